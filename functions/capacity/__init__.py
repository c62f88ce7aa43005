"""Capacity: forecasts of the limits of resources, scaling proposals, and anomalies of metrics."""
