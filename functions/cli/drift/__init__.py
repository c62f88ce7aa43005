"""`aia drift`: two files compared by the tests of `core.drift`, for people without a cloud."""
