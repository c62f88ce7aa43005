"""Incidents: findings that belong together, with a life. Pure state machines; time comes in with the findings."""
