"""Backups of the tables and of the documents: made, compared, and restored."""
