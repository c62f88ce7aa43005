"""Generative models: what is derived from their requests, in GoogleSQL, and how it is measured."""
