"""Capacity: forecasts of an hour, predicted crossings of limits, anomalies of metrics, and scaling proposals."""
