"""The dashboards of Cloud Monitoring as dashboards of Grafana, for whoever has one: the same questions, laid out alike."""
