"""Upkeep of the system itself: when each task is due, what came of it, and what a backup is."""
