"""Training data and trainings."""
