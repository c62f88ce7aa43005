"""What would have happened with other settings: `aia replay` and `/v1/replay`."""
