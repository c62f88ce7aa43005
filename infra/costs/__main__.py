"""Prints the bill of a month, with the arithmetic.

    python -m infra.costs [--models 1000] [--tables 10] [--rows 10000] [--features 50] [--window 7] [--labelled 0]

Without a number of models, the three workloads of docs/costs.md; `--write` puts their tables into it.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.costs import report
from infra.costs.workload import STATED, Workload

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "costs.md"


def main(arguments: Sequence[str]) -> int:
    """Print the tables, or write them into the guide."""
    parser = argparse.ArgumentParser(prog="python -m infra.costs", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--models", type=int, help="how many, all alike")
    parser.add_argument("--tables", type=int, default=1, help="of predictions")
    parser.add_argument("--rows", type=int, default=STATED[0].rows, help="predictions of a model a day")
    parser.add_argument("--features", type=int, default=STATED[0].features)
    parser.add_argument("--window", type=float, default=STATED[0].window_days, help="days")
    parser.add_argument("--labelled", type=float, default=0.0, help="share of the models that have labels")
    parser.add_argument("--write", action="store_true", help="into docs/costs.md")
    options = parser.parse_args(arguments)
    if options.write:
        GUIDE.write_text(report.filled(GUIDE.read_text()))
        return 0
    loads: Sequence[Workload] = STATED
    if options.models:
        loads = (
            Workload(
                models=options.models,
                tables=options.tables,
                rows=options.rows,
                features=options.features,
                window_days=options.window,
                labelled=options.labelled,
            ),
        )
    print("\n\n".join((report.compared(loads), *(report.arithmetic(load) for load in loads))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
