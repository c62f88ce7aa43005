"""What functions know of the rollups of others: where their results are stored."""

COLLECTION = "business"
"""A document a rollup: its newest result."""
