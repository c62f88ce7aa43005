"""The alert rules and recording rules for Kubernetes: for Google's managed Prometheus, the Prometheus Operator and plain Prometheus."""
