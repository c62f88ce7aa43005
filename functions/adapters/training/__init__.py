"""What there is to train a model on, as the warehouse knows it."""
