"""Automated actions: within guard rails, once, verified, and recorded."""
