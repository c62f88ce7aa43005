"""`aia replay`: what would have happened with other settings."""
