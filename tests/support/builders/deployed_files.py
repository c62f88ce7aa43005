"""The alert rules and the dashboards of this repository, read once for all test files: each reading parses every source."""

from infra import stage
from infra.lint import alert_files, dashboard_files

ALERTS = alert_files.read(stage.ROOT)
BOARDS = dashboard_files.read(stage.ROOT)
