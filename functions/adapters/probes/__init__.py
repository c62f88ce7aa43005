"""Probes of a target from outside: one module per kind, each with `check(probe) -> ProbeResult`; those of sources get them too."""
