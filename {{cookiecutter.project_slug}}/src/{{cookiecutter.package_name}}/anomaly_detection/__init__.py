"""Anomaly detection: readings that do not look as they should, and the people who are called."""
