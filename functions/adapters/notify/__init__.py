"""Telling people: one file a kind of channel, one interface."""
