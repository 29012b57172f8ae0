"""Forecasts demand: from data under contract to a release with evidence, and back again."""
