"""Health checks: probes of targets from outside, every minute."""
