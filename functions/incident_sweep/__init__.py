"""The function that looks after incidents as time passes: escalation, expiry, deferred notifications, metrics."""
