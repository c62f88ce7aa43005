"""Checks of a target from outside: one module a kind of probe, each with `check(probe) -> ProbeResult`."""
