"""The linters of the alert rules, the dashboards and the runbooks: `python -m infra.lint`."""
