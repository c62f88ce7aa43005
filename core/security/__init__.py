"""Detections over the audit log: what an entry says, what of it is a finding, and when that is over."""
