"""Retraining: starts the trainings that are requested."""
