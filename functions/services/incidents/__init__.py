"""Incident service: decides over incidents, saves the decision with its effects, and dispatches them."""
