"""Telling people: one module a kind of channel, named as the kind, with what it is as `KIND`; one interface."""
