"""Incidents: findings that belong together, with a lifecycle. Pure functions; time is an argument."""
