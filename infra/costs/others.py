"""What the services beside BigQuery are used for in a month."""

from collections.abc import Iterator

from infra.costs.bigquery import Reckoning, Usage
from infra.costs.prices import DAYS
from infra.costs.workload import LABELLED_SERIES

CONDITIONS = 4
"""Of a model without labels: scoring, drift, drift of the predictions, data quality."""
BASE_SECONDS = 170_000
"""vCPU seconds a month of the functions that do not depend on the number of models: four to five calls a minute."""
BASE_SERIES = 200
"""Series a minute of the same."""
STATEMENT, APPEND = 2.0, 0.5
"""Seconds that a request waits for a statement and for an append."""
MODEL_SECONDS = 0.0265
"""vCPU seconds that scoring a model from counts takes, its profile decoded included: part `scale` of `make bench`, and 1.5 ms for the row of
distributions of 51 columns."""
THREADS = 8
"""Models of a shard that are scored side by side."""
_LOG = 2_000
"""Bytes of logs of a request."""
_NAME = 4
"""Bytes around a name in a shard."""
_VERSION = 152
"""Bytes of a version in a shard beside the name of its model: three instants, a name of ten characters, and what is around them."""


def usages(found: Reckoning) -> Iterator[Usage]:
    """Everything else that is billed."""
    yield from _messages(found)
    yield from _store(found)
    yield from _run(found)
    yield from _metrics(found)
    requests = _requests(found)
    yield Usage("logs", "of requests", requests * _LOG, f"{requests:,.0f} requests x {_LOG:,} B")
    yield Usage("jobs", "schedules", found.facts.jobs, f"{found.facts.jobs} jobs")


def _requests(found: Reckoning) -> float:
    return (1 + (found.load.tables if found.design.by_slots else 0) + found.shards) * found.ticks


def _messages(found: Reckoning) -> Iterator[Usage]:
    load, requests = found.load, _requests(found)
    named = load.name_bytes + _NAME + (load.name_bytes + _VERSION if found.design.by_slots else 0)
    size = 2 * (requests * 1024 + load.models * named * found.ticks)
    text = f"2 x ({requests:,.0f} messages x 1 KiB + {load.models:,} models x {named} B x {found.ticks:,} ticks)"
    yield Usage("messages", "ticks and shards", size, text)


def _store(found: Reckoning) -> Iterator[Usage]:
    load, each = found.load, found.load.models * found.ticks
    moved = load.transitions * load.models * DAYS
    claims = found.shards * found.ticks
    models = f"{load.models:,} models x {found.ticks:,} ticks"
    shards = f"{found.shards:,} shards x {found.ticks:,} ticks"
    yield Usage(
        "reads",
        "conditions, profiles",
        (CONDITIONS + 1) * each,
        f"({CONDITIONS} conditions + 1 profile) x {models}",
    )
    if found.design.on_transitions:
        text = f"2 x {shards} + 2 x {load.transitions} transitions x {load.models:,} models x {DAYS} days"
        yield Usage("writes", "claims, transitions", 2 * claims + 2 * moved, text)
    else:
        text = f"2 x {shards} + {CONDITIONS} conditions x {models}"
        yield Usage("writes", "claims, conditions", 2 * claims + CONDITIONS * each, text)
    yield Usage("deletes", "claims", claims, shards)
    claim = f"({found.shards:,} shards x 300 B + {load.models:,} names x {load.name_bytes + 1} B)"
    kept = 32 * found.facts.ticks * (found.shards * 300 + load.models * (load.name_bytes + 1))
    yield Usage(
        "documents",
        "profiles and claims",
        600_000.0 * load.models + kept,
        f"{load.models:,} models x 600,000 B + 32 days x {found.facts.ticks} x {claim}",
    )


def _run(found: Reckoning) -> Iterator[Usage]:
    load, design = found.load, found.design
    in_shard = load.models / found.shards
    waits = in_shard / THREADS * STATEMENT * ((0 if design.by_slots else 2) + (0 if design.appended else 2))
    fixed = (3 * STATEMENT if design.by_slots else 0) + (2 * APPEND if design.appended else 0)
    shard = in_shard * MODEL_SECONDS + waits + fixed
    counting = load.tables * 10 * STATEMENT if design.by_slots else 0
    seconds = (found.shards * shard + counting + 2 * STATEMENT) * found.ticks + BASE_SECONDS
    text = f"({found.shards:,} shards x {shard:.1f} s + {counting:,.0f} s of counting) x {found.ticks:,} ticks + {BASE_SECONDS:,} s"
    yield Usage("cpu", "instances", seconds, text)
    yield Usage("memory", "instances", seconds * found.facts.memory, f"the same x {found.facts.memory:g} GiB")


def _metrics(found: Reckoning) -> Iterator[Usage]:
    load, facts = found.load, found.facts
    series = found.design.series + LABELLED_SERIES * load.labelled
    samples = series * load.models * found.ticks + BASE_SERIES * 1440 * DAYS
    text = f"{series:.3g} series x {load.models:,} models x {found.ticks:,} ticks + {BASE_SERIES} x 43,200 minutes"
    yield Usage("samples", "metrics", samples, text)
    yield Usage(
        "conditions", "alert rules", facts.conditions, f"{facts.conditions} of rules, objectives and the uptime check"
    )
    own = [one for one in facts.clauses if one.by_model]
    of_all = DAYS * sum(one.evaluations * (load.labelled if one.labelled else 1) for one in own)
    rest = DAYS * sum(one.evaluations for one in facts.clauses if not one.by_model)
    text = f"{of_all:,.0f} evaluations by model x {load.models:,} models + {rest:,.0f} others"
    yield Usage("points", "alert rules", of_all * load.models + rest, text)
