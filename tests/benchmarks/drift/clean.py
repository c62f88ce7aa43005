"""How often windows without drift alarm: random halves of public tables, every column as it comes.

    python tests/benchmarks/drift/clean.py [--windows 56] [--seed 1] [--beside 200]

A window is a random sample of a table, its reference another one of the same size that shares no row with it. A window alarms when any column
is said to have drifted. The tables are beside the project (`../shared/data`); those that are absent are named. Some of the windows are judged by
other libraries as well, by their defaults.
"""

import argparse
import gzip
import io
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import libraries
import numpy as np
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from core.drift import Profile, count, quality, score
from tests.support.builders import public_data

BESIDE = (300, 1000, 3000, 10_000)
"""Rows of the windows that other libraries judge as well."""
SIZES = (30, 100, 300, 1000, 3000, 10_000, 20_000, 30_000)
MOST = 0.02
LINE = re.compile(r'\S+ \S+ \S+ \[[^]]+\] "(\S+) (\S+)[^"]*" (\d+) (\d+|-) "([^"]*)" "([^"]*)"')
Table = Mapping[str, NDArray[Any]]


def tables() -> Iterator[tuple[str, Table | None]]:
    """The tables by name; None for one that is absent."""
    readers = {
        public_data.RETAIL: lambda path: columns(pq.read_table(path).drop_columns(["InvoiceDate"]).to_pydict()),
        public_data.FLIGHTS: lambda path: columns(pq.read_table(path).drop_columns(["time_hour"]).to_pydict()),
        public_data.ELEC2: lambda path: columns(pa_csv.read_csv(path).to_pydict()),
        "CDNOW_master.txt.gz": purchases,
        "apache_access.log.gz": requests,
    }
    for name, read in readers.items():
        path = public_data.found(name)
        yield name, read(path) if path else None


def columns(found: Mapping[str, list[Any]]) -> Table:
    """Numbers as numbers, all else as objects."""
    return {name: array(values) for name, values in found.items()}


def array(values: list[Any]) -> NDArray[Any]:
    """Numbers with NaN for what is missing, or whatever they are."""
    if all(value is None or isinstance(value, (int, float)) for value in values):
        return np.array([np.nan if value is None else value for value in values], dtype=float)
    return np.array(values, dtype=object)


def purchases(path: Path) -> Table:
    """The transactions of CDNOW: customer, day, number of disks, dollars."""
    table = np.loadtxt(io.StringIO(gzip.decompress(path.read_bytes()).decode()), skiprows=1)
    numbers = {name: table[:, k] for k, name in enumerate(("customer", "day", "disks", "dollars"))}
    return numbers | {"customer as text": np.array([str(int(one)) for one in table[:, 0]], dtype=object)}


def requests(path: Path) -> Table:
    """The lines of a web server's log."""
    found = LINE.findall(gzip.decompress(path.read_bytes()).decode(errors="replace"))
    method, target, status, size, referrer, agent = zip(*found, strict=True)
    texts = {"method": method, "path": target, "status": status, "referrer": referrer, "agent": agent}
    sizes = np.array([float(one) if one != "-" else np.nan for one in size])
    return {name: np.array(values, dtype=object) for name, values in texts.items()} | {"bytes": sizes}


def alarms(table: Table, size: int, windows: int, seed: int) -> tuple[int, int]:
    """Of so many windows, how many are said to have drifted, and how many to have data quality issues."""
    drifted = issues = 0
    for window in range(windows):
        old, new = halves(table, size, window, seed)
        profile = Profile.fit(old)
        drifted += bool(score(profile, new).drifted)
        issues += bool(quality(profile, count(profile, new)))
    return drifted, issues


def halves(table: Table, size: int, window: int, seed: int) -> tuple[Table, Table]:
    """A reference and a window, which share no row."""
    rows = len(next(iter(table.values())))
    chosen = np.random.default_rng([seed, size, window]).permutation(rows)[: 2 * size]
    old, new = ({name: values[at] for name, values in table.items()} for at in (chosen[:size], chosen[size:]))
    return old, new


def beside(found: Mapping[str, Table], windows: int, seed: int) -> str:
    """The alarms of other libraries on so many of the windows, and ours on the same ones."""
    fitting = [
        (size, number, table)
        for size in BESIDE
        for number, table in enumerate(found.values())
        if 2 * size <= len(next(iter(table.values())))
    ]
    ours: dict[str, bool] = {}
    lines = ["| windows without drift, any column | alarms | windows | share |", "|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size, number, table in fitting:
            for window in range(-(-windows // len(fitting))):
                old, new = halves(table, size, window, seed)
                key = f"{window:03}-{size:06}-{number}"  # so that what is judged in time is of every table and size
                ours[key] = bool(score(Profile.fit(old), new).drifted)
                libraries.save(folder, key, old, new)
        lines.append(_share("core.drift, its default", sum(ours.values()), len(ours)))
        for library in libraries.LIBRARIES:
            judged, why = libraries.judged(library, folder)
            if why:
                lines.append(f"| {library.label}: {' '.join(why.split()).replace('|', '/')} | | {len(judged)} | |")
            rules = [key for key in judged[0] if key != "window"] if judged else []
            lines += [_share(f"{library.label}: {key}", sum(one[key] for one in judged), len(judged)) for key in rules]
    return "\n".join(lines)


def _share(what: str, alarms: int, windows: int) -> str:
    return f"| {what} | {alarms} | {windows} | {alarms / max(windows, 1):.1%} |"


def main() -> int:
    """Print the table; not 0 where the target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=int, default=56)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--beside", type=int, default=200, help="windows that other libraries judge as well; 0 for none"
    )
    options = parser.parse_args()
    total = [0, 0, 0]
    print("| table | columns | " + " | ".join(f"{size:,}" for size in SIZES) + " |")
    print("|---" * (len(SIZES) + 2) + "|")
    present: dict[str, Table] = {}
    for name, table in tables():
        if table is None:
            print(f"| {name} | absent |" + " |" * len(SIZES))
            continue
        present[name] = table
        cells = []
        for size in SIZES:
            if 2 * size > len(next(iter(table.values()))):
                cells.append("")
                continue
            drifted, issues = alarms(table, size, options.windows, options.seed)
            total = [total[0] + options.windows, total[1] + drifted, total[2] + issues]
            cells.append(f"{drifted}, {issues}")
        print(f"| {name} | {len(table)} | " + " | ".join(cells) + " |", flush=True)
    windows, drifted, issues = total
    met = drifted <= MOST * windows
    print(
        f"\nOf {windows} windows {drifted} ({drifted / max(windows, 1):.2%}) alarm for drift, at most {MOST:.0%} may: {'met' if met else 'missed'}."
    )
    print(
        f"{issues} ({issues / max(windows, 1):.2%}) have a data quality issue. Cells: windows with drift, with an issue."
    )
    if options.beside and present:
        print("\n" + beside(present, options.beside, options.seed))
    return int(not met)


if __name__ == "__main__":
    sys.exit(main())
