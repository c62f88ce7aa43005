"""The functions that run in the cloud, one folder each, and the runtime, services and adapters that they share."""
