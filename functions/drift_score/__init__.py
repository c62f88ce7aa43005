"""Scores the drift and the performance of models at every tick."""
