"""Automated actions: their guard rails, and whether one may be applied now. Pure decisions; the effects are in the adapters."""
