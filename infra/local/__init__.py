"""The deployment on one machine."""
