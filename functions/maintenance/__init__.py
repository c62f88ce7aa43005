"""Upkeep of the system itself: backups, clean-up, advice, and dead letters that are sent again."""
