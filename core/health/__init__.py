"""Health as seen from outside: from a probe's result to what is worth telling."""
