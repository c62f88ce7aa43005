"""Notification channels: one module per kind, named after the kind, with a `KIND`; one interface."""
