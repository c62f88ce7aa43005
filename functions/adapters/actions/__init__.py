"""Automated actions: one module per action, one interface."""
