"""Accuracy of the business estimates: one Markdown table in `build/bench_business.md`.

    python tests/benchmarks/business/run.py [--data FOLDER]

The even series of NN5, the shop and flights are what was tuned on; no choice was made by the odd series. The figures of
statsforecast in the column of targets were measured once, on the same histories and futures: version 2.1.1, AutoCES, AutoETS and
AutoTheta with a season of 7 days; `forecasts.py` runs it beside ours. Times are single-thread CPU.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import customers
import numpy as np
import workloads
from measures import Measures, measure
from workloads import Case

from core.business import bg_nbd, lifetime

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT.parent / "shared" / "data"
FLIGHTS = ROOT / "infra" / "local" / "data" / "flights.parquet"
CDNOW = ROOT / "tests" / "data" / "cdnow_summary_monetary.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the table; `met` is None where there is no target."""

    what: str
    target: str
    found: str
    met: bool | None


def rows(data: Path) -> Iterator[Row]:
    """All rows of the table."""
    competitions, online = data / "forecast_series.json.gz", data / "online_retail.parquet"
    if competitions.exists():
        held_out = workloads.cash(competitions, 1)
        yield from against("NN5 held out, 370 days of history", held_out, 0.9545, "CES 0.955, ETS 1.019, Theta 1.027")
        whole = workloads.competition(competitions, "nn5_daily", 1)
        yield from against("NN5 held out, all history", whole, 0.9082, "ETS 0.908, Theta 0.920; CES 0.854")
    else:
        yield absent("NN5", competitions)
    if online.exists():
        yield from against("a shop, 120 days and more", workloads.shop(online), 1.0378, "CES 1.038, ETS 1.056")
    else:
        yield absent("a shop", online)
    yield from against(
        "flights, 120 days and more", workloads.flights(FLIGHTS), 1.2268, "ETS 1.227, Theta 1.313, CES 1.325"
    )
    yield from cdnow()
    yield from holdout(data)


def against(what: str, cases: list[Case], most: float, yardstick: str) -> Iterator[Row]:
    """A forecast compared with others; its intervals and its time."""
    found = measure(cases)
    target = f"≤ {most:.3f}; statsforecast: {yardstick}"
    yield Row(what=f"{what}: MASE", target=target, found=_text(found), met=found.mase <= most)
    yield Row(
        what=f"{what}: days within the 90 % interval",
        target="83 to 97 %",
        found=f"{found.coverage:.1%}",
        met=0.83 <= found.coverage <= 0.97,
    )
    yield Row(
        what=f"{what}: the sum of {cases[0].future.size} days",
        target="interval covers 83 % and more",
        found=f"off by {found.total_error:.1%}, within the interval in {found.total_coverage:.1%};"
        f" {found.ratio:.0%} of the expected total, median",
        met=found.total_coverage >= 0.83,
    )
    yield Row(
        what=f"{what}: time of a forecast",
        target="< 50 ms",
        found=f"{found.milliseconds:.1f} ms",
        met=found.milliseconds < 50,
    )


def absent(what: str, path: Path) -> Row:
    """A row that says what could not be measured."""
    return Row(what=what, target="-", found=f"not measured: no {path}", met=None)


def cdnow() -> Iterator[Row]:
    """Lifetime value beside what was published of the same customers."""
    _, *columns = np.loadtxt(CDNOW, delimiter=",", skiprows=1).T
    started = time.thread_time()
    model = lifetime.fit(*columns)
    took = time.thread_time() - started
    found, amounts = model.purchases, model.amounts
    values = np.array([found.r, found.alpha, found.a, found.b])
    yield Row(
        what="CDNOW, BG/NBD: r, alpha, a, b; log-likelihood",
        target="0.243, 4.414, 0.793, 2.426; -9582.4",
        found=f"{', '.join(f'{one:.3f}' for one in values)}; {bg_nbd.log_likelihood(found, model.history):.1f}",
        met=bool(np.abs(values - [0.243, 4.414, 0.793, 2.426]).max() < 1e-3),
    )
    yield Row(
        what="CDNOW, Gamma-Gamma: p, q, v",
        target="6.25, 3.74, 15.44",
        found=f"{amounts.p:.2f}, {amounts.q:.2f}, {amounts.v:.2f}",
        met=bool(np.abs(np.array([amounts.p, amounts.q, amounts.v]) - [6.25, 3.74, 15.44]).max() < 0.02),
    )
    yield Row(what="CDNOW: time to fit 2,357 customers", target="< 2 s", found=f"{took:.2f} s", met=took < 2)


def holdout(data: Path) -> Iterator[Row]:
    """The error of forecast purchases on customers whose purchases are known, and the coverage of intervals."""
    sales, online = data / "CDNOW_master.txt.gz", data / "online_retail.parquet"
    if sales.exists():
        found = customers.cdnow(sales)
        yield Row(
            what=f"CDNOW, {found.customers:,} customers, the next 39 weeks: mean absolute error of purchases",
            target="≤ 0.819 (published mean), and below the naive count",
            found=f"{found.forecast:.3f}; naive count {found.naive:.3f}; {found.ratio:.0%} of the expected purchases",
            met=found.forecast <= min(0.819, found.naive),
        )
    else:
        yield absent("CDNOW, the next 39 weeks", sales)
    if online.exists():
        errors = list(customers.shop(online))
        better = sum(error.forecast < error.naive for _, error in errors)
        texts = [f"{day:%m-%d} {e.forecast:.3f} against {e.naive:.3f} ({e.ratio:.0%})" for day, e in errors]
        yield Row(
            what="a shop, 7 days of 2011, the next 90 days: mean absolute error of purchases against the naive count",
            target="lower on most days, and in the mean",
            found=f"lower on {better} of {len(errors)}; {'; '.join(texts)}",
            met=better > len(errors) / 2 and sum(e.forecast for _, e in errors) < sum(e.naive for _, e in errors),
        )
    else:
        yield absent("a shop, the next 90 days", online)
    share = customers.coverage(1000, 200, seed=1)
    yield Row(
        what="200 samples of 1,000 simulated customers: the mean lifetime value within its 90 % interval",
        target="84 to 96 %",
        found=f"{share:.1%}",
        met=0.84 <= share <= 0.96,
    )


def _text(found: Measures) -> str:
    return (
        f"{found.mase:.3f} (WAPE {found.wape:.1%}) of {found.cases}; last season again: {found.naive_mase:.3f}"
        f" (WAPE {found.naive_wape:.1%})"
    )


def table(found: list[Row]) -> str:
    """The rows as Markdown."""
    marks = {True: "yes", False: "**no**", None: "-"}
    lines = ["| | target | measured | met |", "|---|---|---|---|"]
    lines += [f"| {row.what} | {row.target} | {row.found} | {marks[row.met]} |" for row in found]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure, print and write the table; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--data", type=Path, default=DATA, help="the folder of the public data sets")
    found = []
    for row in rows(parser.parse_args().data):
        print(f"{row.what}: {row.found}", file=sys.stderr, flush=True)
        found.append(row)
    text = table(found)
    target = ROOT / "build" / "bench_business.md"
    target.parent.mkdir(exist_ok=True)
    target.write_text(text, encoding="utf-8")
    print(text)
    return int(any(row.met is False for row in found))


if __name__ == "__main__":
    sys.exit(main())
