"""The runtime of every function: its entry point, its ports, and its handling of push requests."""
