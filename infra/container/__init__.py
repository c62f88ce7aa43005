"""The functions as one container image: how they are started in it, and what it starts beside them."""
