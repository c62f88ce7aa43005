"""Automated responses: one file an action, one interface."""
