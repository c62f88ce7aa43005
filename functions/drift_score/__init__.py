"""Scores what models see, and how right they are, at every tick."""
