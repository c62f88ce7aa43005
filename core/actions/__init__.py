"""Automated responses: what each may do, and whether it may be done now. Pure decisions; the outside is in the adapters."""
