"""The dashboards of Cloud Monitoring as Grafana dashboards: the same queries and layout."""
