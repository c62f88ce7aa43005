"""Rollups of the business: revenue, forecasts, customers, market position, ROI and stakeholder satisfaction."""
