"""The flights of 2013 as the prediction log of a model in production that ends now, and the orders of a shop."""
