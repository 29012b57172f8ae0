"""Inventory optimisation: how many units of each article to have for the week that comes."""
