"""Checks from outside: every minute, whatever probe is due."""
