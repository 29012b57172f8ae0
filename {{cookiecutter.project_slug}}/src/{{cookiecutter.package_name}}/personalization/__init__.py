"""Personalization: which customers order within 90 days, and what the others are shown."""
