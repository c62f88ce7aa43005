"""What decides, saves and publishes, for several functions."""
