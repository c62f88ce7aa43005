"""Replay: what would have been decided, and who would have been notified, with other settings."""
