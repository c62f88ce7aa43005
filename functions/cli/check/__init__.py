"""`aia check`: the settings, before anything runs by them."""
