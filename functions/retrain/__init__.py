"""The function that starts the trainings that are asked for."""
