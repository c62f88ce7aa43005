"""Keeps the figures of the business: revenue, forecasts, customers, market, return, satisfaction."""
