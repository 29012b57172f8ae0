"""Demand forecasting: the demand of each hour of the next day."""
