"""What every function is: how it starts, what it is composed of, and how it answers a push request."""
