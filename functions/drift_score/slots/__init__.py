"""Counting by slots: each row of a table is counted once for all its models, and windows are sums of slots."""
