"""The functions that run in the cloud, one folder each, with the runtime, the services and the adapters that they share."""
