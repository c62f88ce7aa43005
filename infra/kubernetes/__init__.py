"""What is applied to a cluster: the functions, the Collectors, and the rules for Google's managed Prometheus, the Prometheus Operator and plain Prometheus."""
