"""The read-only API and its page."""
