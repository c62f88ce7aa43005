"""The functions that run in the cloud, one folder each, and the adapters they share."""
