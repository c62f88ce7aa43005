"""`aia watch`: a log of predictions becomes a monitored model, by one command."""
