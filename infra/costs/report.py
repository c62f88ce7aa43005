"""The tables of docs/costs.md: the bills side by side, the arithmetic of each, and the prices."""

import re
from collections.abc import Sequence
from dataclasses import replace

from functions.drift_score import statements
from infra.costs.bill import BIGQUERY, OTHER_SERVICES, Bill, reckon
from infra.costs.facts import facts
from infra.costs.prices import AS_OF, MIB, PRICES, Price
from infra.costs.workload import BY_SLOTS, MERGED, RECOUNTED, STATED, TARGETS, Design, Workload

DESIGNS = (BY_SLOTS, RECOUNTED, MERGED)
MANY_ROWS = 100_000
"""Predictions of a model a day where there are many."""
_BLOCK = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def deployed() -> Design:
    """How the code of today goes about it: by slots, and results are merged as long as there is a statement that merges them."""
    return MERGED if hasattr(statements, "WRITE_SCORES") else BY_SLOTS


def compared(loads: Sequence[Workload]) -> str:
    """What each workload costs by each design, as Markdown."""
    heads = [f"{load.models:,} models" for load in loads]
    rows = [["$ a month", *heads], ["---"] * (1 + len(heads))]
    rows += [[design.name, *(f"{_bill(load, design).dollars:,.0f}" for load in loads)] for design in DESIGNS]
    many = [replace(load, rows=MANY_ROWS) for load in loads]
    rows += [
        [f"{design.name}, {MANY_ROWS:,} rows a day", *(f"{_bill(load, design).dollars:,.0f}" for load in many)]
        for design in (BY_SLOTS, RECOUNTED)
    ]
    rows += [
        [
            f"by slots, a tenth of the models with labels{where}",
            *(f"{_bill(replace(load, labelled=0.1, apart=apart)).dollars:,.0f}" for load in loads),
        ]
        for apart, where in ((True, ""), (False, ", tables not clustered by model"))
    ]
    rows.append(
        ["target", *(f"at most {TARGETS[load.models]:,.0f}" if load.models in TARGETS else "none" for load in loads)]
    )
    rows.append(["by slots, of the target", *(_ratio(load, BY_SLOTS) for load in loads)])
    now = deployed()
    rows.append([f"the code as it is ({now.name}), of the target", *(_ratio(load, now) for load in loads)])
    return _table(rows)


def parts(loads: Sequence[Workload]) -> str:
    """What each service costs by slots, as Markdown."""
    bills = [_bill(load) for load in loads]
    rows = [["$ a month, by slots", *(f"{load.models:,} models" for load in loads)], ["---"] * (1 + len(loads))]
    rows += [
        [name, *(f"{bill.of(*keys):,.2f}" for bill in bills)] for name, keys in (BIGQUERY | OTHER_SERVICES).items()
    ]
    rows.append(["less what is free", *(f"-{bill.free:,.2f}" for bill in bills)])
    rows.append(["**sum**", *(f"**{bill.dollars:,.2f}**" for bill in bills)])
    return _table(rows)


def arithmetic(load: Workload, design: Design = BY_SLOTS) -> str:
    """Every line of a bill with its factors, as Markdown."""
    found = _bill(load, design)
    rows = [[f"{load.models:,} models, {design.name}", "arithmetic", "used", "price", "$ a month"], ["---"] * 5]
    for line in found.lines:
        price = PRICES[line.usage.price]
        rows.append(
            [
                f"{price.name.split(',')[0]}: {line.usage.what}",
                line.usage.how,
                f"{line.usage.units / price.per:,.2f} {price.unit}",
                f"{price.dollars:g}",
                f"{line.dollars:,.2f}",
            ]
        )
    rows.append(["less what is free", "", "", "", f"-{found.free:,.2f}"])
    rows.append(["**sum**", "", "", "", f"**{found.dollars:,.2f}**"])
    return _table(rows)


def prices() -> str:
    """The prices, as Markdown."""
    rows = [[f"list price, as of {AS_OF}", "$", "for", "free a month", "source"], ["---"] * 5]
    rows += [[one.name, f"{one.dollars:g}", _unit(one), _free(one), one.source] for one in PRICES.values()]
    return _table(rows)


def filled(text: str) -> str:
    """A guide with its tables: what is between `<!-- NAME -->` and `<!-- end -->` is replaced."""
    made = {
        "compared": compared(STATED),
        "parts": parts(STATED),
        "arithmetic": arithmetic(STATED[1]),
        "recounted": arithmetic(STATED[1], RECOUNTED),
        "prices": prices(),
    }
    return _BLOCK.sub(lambda found: f"{found[1]}\n{made[found[2]]}\n\n{found[3]}", text)


def _bill(load: Workload, design: Design = BY_SLOTS) -> Bill:
    return reckon(load, design, facts())


def _ratio(load: Workload, design: Design) -> str:
    if load.models not in TARGETS:
        return ""
    ratio = _bill(load, design).dollars / TARGETS[load.models]
    return f"{ratio:.2f}, {'met' if ratio <= 1 else '**missed**'}"


def _unit(price: Price) -> str:
    return price.unit.removeprefix("x ") if price.per > 1 else f"1 {price.unit}"


def _free(price: Price) -> str:
    if not price.free:
        return "none"
    if price.per >= MIB:
        return f"{price.free / price.per:g} {price.unit}"
    return f"{price.free:,.0f}"


def _table(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
