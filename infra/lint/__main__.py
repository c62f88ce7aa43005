"""Checks the alert rules, the dashboards and the runbooks: prints each fault with its file and line, and exits with 1."""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from infra import stage
from infra.lint import (
    alert_files,
    alert_queries,
    alert_texts,
    dashboard_files,
    dashboard_layout,
    dashboard_queries,
    dashboard_thresholds,
    promtool,
    runbooks,
    signals,
)
from infra.lint.alert_files import RuleFiles
from infra.lint.dashboard_files import Dashboards
from infra.lint.fault import Fault

_ALERTS = (*alert_texts.CHECKS, *alert_queries.CHECKS)
_DASHBOARDS = (*dashboard_layout.CHECKS, *dashboard_thresholds.CHECKS, *dashboard_queries.CHECKS)


def faults(root: Path) -> list[Fault]:
    """Everything that is wrong in a tree, each once, by file and line."""
    files, boards = alert_files.read(root), dashboard_files.read(root)
    messages = {
        *alert_faults(files),
        *dashboard_faults(boards),
        *runbooks.without_section(root),
        *signals.faults(root, files, boards),
    }
    if not promtool.absent():
        messages |= {*_refused(root, files), *dashboard_queries.unparsed(boards)}
    return sorted(messages)


def alert_faults(files: RuleFiles) -> list[Fault]:
    """Faults of alert rules, apart from those that promtool reports."""
    return [fault for check in _ALERTS for fault in check(files)]


def dashboard_faults(boards: Dashboards) -> list[Fault]:
    """Faults of dashboards, apart from those that promtool reports."""
    return [fault for check in _DASHBOARDS for fault in check(boards)]


def _refused(root: Path, files: RuleFiles) -> Iterator[Fault]:
    for fault in promtool.refused(files.files):
        yield replace(fault, path=Path(fault.path).relative_to(root).as_posix())


def main(arguments: list[str] | None = None) -> int:
    """Check a tree, as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m infra.lint", description=__doc__)
    parser.add_argument("root", nargs="?", type=Path, default=stage.ROOT, help="the tree (default: this one)")
    messages = faults(parser.parse_args(arguments).root)
    print(*messages, sep="\n", end="\n" if messages else "")
    if promtool.absent():
        print("promtool is absent: whether Prometheus takes the expressions was not checked", file=sys.stderr)
    return 1 if messages else 0


if __name__ == "__main__":
    sys.exit(main())
