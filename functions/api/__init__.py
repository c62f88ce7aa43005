"""The API and its page."""
