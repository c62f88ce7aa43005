"""Metrics of user experience, every five minutes, over the last hour of browser reports."""
