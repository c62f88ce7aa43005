"""The local system: the deployment on one machine."""
