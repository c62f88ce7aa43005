"""What BigQuery scans, stores and is sent in a month."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from core.drift.joint import MOST, ROWS
from core.statistics import DEFAULT
from infra.costs.facts import Facts
from infra.costs.prices import DAYS, MIB
from infra.costs.workload import STRING, Design, Workload

LEAST = 10 * MIB
"""What a statement is billed for each table that it names, at least."""
SLOTS_A_DAY = 96
READS = 3
"""Of a row: when its slot closes, an hour later and a day later."""
STATISTICS = len(DEFAULT)
"""Of a model whose settings name none; a row of results each."""
ACTIVE_MONTHS = 3
"""After which what does not change is cheaper to store."""
RESULT_BYTES = 180
"""Of a row of results."""
MODEL_BYTES = 2_000
"""Of the settings of a model in ops.models."""
KEPT_MONTHS = 12
"""How long results are kept, for the bill of a month."""
CONCURRENCY = 8
"""Requests that an instance handles at once."""
_CELL = 24
"""Of a cell of a slot: its number, rows and sum. Those of a window have no numbers."""
_BATCH = STRING + 32
DISTRIBUTION_BYTES = 360
"""Of a feature in a row of ops.window_distributions, at most."""


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of something is used in a month.

    Attributes:
        price: its key among the prices.
        what: is done.
        units: how many.
        how: the factors of which they are the product, in words.
    """

    price: str
    what: str
    units: float
    how: str


@dataclass(frozen=True, slots=True)
class Reckoning:
    """A workload, a design and the facts, and what follows from them."""

    load: Workload
    design: Design
    facts: Facts

    @property
    def ticks(self) -> int:
        """In a month."""
        return self.facts.ticks * DAYS

    @property
    def shards(self) -> int:
        """In a tick."""
        per_table = self.load.models / self.load.tables
        return self.load.tables * math.ceil(per_table / self.facts.shard)

    @property
    def copies(self) -> float:
        """How often a slot is stored."""
        return 1 + (READS - 1) * self.load.late

    def filled(self, rows: float) -> float:
        """How many cells of a column so many rows fill, of cells that are equally frequent.

        >>> from infra.costs.facts import facts
        >>> from infra.costs.workload import BY_SLOTS, STATED
        >>> round(Reckoning(STATED[0], BY_SLOTS, facts()).filled(104))
        99
        """
        cells = self.load.cells
        return cells * -math.expm1(-rows / cells)

    @property
    def slot_bytes(self) -> float:
        """Of a slot of a model in ops.cell_counts."""
        fixed = self.small_bytes + 8 + 8 + _BATCH  # and the number of rows, when and by what it was counted
        columns = self.load.columns * (fixed + _CELL * self.filled(self.load.rows / SLOTS_A_DAY))
        return columns + fixed + _CELL + self.sampled_bytes + self.sample_bytes  # and the rows as a whole

    @property
    def small_bytes(self) -> float:
        """Of a column and slot without its cells: names, number, end, extremes, newest row and where values are clipped."""
        return 2 * STRING + self.load.name_bytes + self.load.profile_bytes + 7 * 8

    @property
    def sample_bytes(self) -> float:
        """Of the rows of a slot that are its sample: 4 bytes a value."""
        rows = min(math.ceil(ROWS / self.window_slots), self.load.rows / SLOTS_A_DAY)
        return STRING + 4 * rows * min(self.load.features, MOST)

    @property
    def sampled_bytes(self) -> int:
        """Of the numbers of the features that a sample has."""
        return STRING + len(",".join(map(str, range(min(self.load.features, MOST)))))

    @property
    def window_bytes(self) -> float:
        """Of a window of a model in ops.window_counts."""
        extremes = 2 * 16 * (math.log(self.window_slots) + 0.58)  # records of a random order: the harmonic number
        fixed = _BATCH + 2 * STRING + self.load.name_bytes + self.load.profile_bytes + 5 * 8 + extremes
        columns = self.load.columns * (fixed + (_CELL - 8) * self.filled(self.load.rows * self.load.window_days))
        return columns + fixed + _CELL + self.sampled_bytes + self.window_slots * (8 + self.sample_bytes)

    @property
    def profile_bytes(self) -> float:
        """Of the cells of a model's profile in ops.profile_cells."""
        return self.load.columns * (8 * self.load.cells + 100)

    @property
    def window_slots(self) -> float:
        """Of a window."""
        return self.load.window_days * SLOTS_A_DAY


def usages(found: Reckoning) -> Iterator[Usage]:
    """Everything that BigQuery bills."""
    yield from _by_slots(found) if found.design.by_slots else _recounted(found)
    yield from _labels(found)
    yield from _settings(found)
    yield from _results(found)


def _scan(what: str, size: float, statements: float, how: str, tables: int = 1) -> Usage:
    """Statements that scan so many bytes of one table each, and the least of further ones."""
    billed = max(size, LEAST) + (tables - 1) * LEAST
    text = f"{_size(billed)} ({how}) x {statements:,.0f} statements"
    return Usage("scan", what, billed * statements, text)


def _by_slots(found: Reckoning) -> Iterator[Usage]:
    yield from _counting(found)
    yield from _summing(found)
    yield from _keeping(found)


def _counting(found: Reckoning) -> Iterator[Usage]:
    """Rows counted at each tick, once for all models of a table."""
    load, each = found.load, found.load.tables * found.ticks
    models = load.models / load.tables
    rows = READS * load.rows / SLOTS_A_DAY
    how = f"{rows:,.0f} rows x {load.row_bytes} B x {models:,.0f} models"
    yield _scan("predictions counted", rows * load.row_bytes * models, each, how)
    how = f"{_size(found.profile_bytes)} x {models:,.0f} models"
    yield _scan("profiles joined", found.profile_bytes * models, each, how)
    again = (READS - 1) * load.columns * (found.small_bytes + 8 + _BATCH) * models
    how = f"2 slots x {load.columns} columns x {models:,.0f} models"
    yield _scan("slots compared with those before", again, each, how)


def _summing(found: Reckoning) -> Iterator[Usage]:
    """Windows moved on at each tick, summed again now and then, and read by shards."""
    load, each, slot = found.load, found.load.tables * found.ticks, found.slot_bytes
    models, in_shard = load.models / load.tables, load.models / found.shards
    of_slots = f"{found.copies:.2f} copies x {_size(slot)} x {models:,.0f} models"
    yield _scan("slots summed", 4 * found.copies * slot * models, each, f"4 slots x {of_slots}")
    window = _size(found.window_bytes)
    yield _scan("sums moved on", found.window_bytes * models, each, f"{window} x {models:,.0f} models")
    whole = found.window_slots * found.copies * slot * models
    times = load.tables * DAYS / max(load.window_days // 1, 1)
    how = f"{found.window_slots:,.0f} slots x {of_slots}"
    yield _scan("windows summed again, each once in its length", whole, times, how)
    how = f"{window} x {in_shard:,.0f} models"
    yield _scan("sums read by shards", found.window_bytes * in_shard, found.shards * found.ticks, how)


def _keeping(found: Reckoning) -> Iterator[Usage]:
    """Slots and sums that are stored."""
    load, days, slot = found.load, found.facts.slots_kept, found.slot_bytes
    kept = days * SLOTS_A_DAY * found.copies * slot * load.models
    how = f"{days} days x {SLOTS_A_DAY} slots x {found.copies:.2f} copies x {_size(slot)} x {load.models:,} models"
    yield Usage("storage", "slots", kept, how)
    sums = found.facts.sums_kept * found.facts.ticks * found.window_bytes * load.models
    how = f"{found.facts.sums_kept} days x {found.facts.ticks} x {_size(found.window_bytes)} x {load.models:,} models"
    yield Usage("storage", "sums of windows", sums, how)


def _recounted(found: Reckoning) -> Iterator[Usage]:
    load = found.load
    rows = load.rows * load.window_days
    each = load.models * found.ticks
    yield _scan("predictions counted", rows * load.row_bytes, each, f"{rows:,.0f} rows x {load.row_bytes} B")
    narrow = 8 + STRING + load.name_bytes
    yield _scan("windows summarised", rows * narrow, each, f"{rows:,.0f} rows x {narrow} B", 2)


def _labels(found: Reckoning) -> Iterator[Usage]:
    load = found.load
    if load.labelled:
        rows = load.rows * load.window_days
        models = 1 if load.apart else load.models / load.tables
        each = load.models * load.labelled * found.ticks
        how = f"{rows:,.0f} rows x {load.label_bytes} B" + ("" if load.apart else f" x {models:,.0f} models")
        yield _scan("scores and labels read", rows * load.label_bytes * models, each, how, 2)


def _settings(found: Reckoning) -> Iterator[Usage]:
    load = found.load
    requests = 1 + load.tables + found.shards
    instances = math.ceil(requests / CONCURRENCY)
    size = MODEL_BYTES * load.models
    yield _scan(
        "ops.models read by each instance", size, instances * found.ticks, f"{MODEL_BYTES:,} B x {load.models:,} models"
    )


def _results(found: Reckoning) -> Iterator[Usage]:
    load = found.load
    rows = load.columns * STATISTICS + 1
    each = load.models * found.ticks
    if found.design.appended:
        text = f"{rows} rows x 1 KiB x {load.models:,} models x {found.ticks:,} ticks"
        yield Usage("inserts", "results", rows * 1024.0 * each, text)
    else:
        yield _scan("results merged, at least", 0, 2 * each, "the least")
    drawn = load.columns * DISTRIBUTION_BYTES
    text = f"{load.columns} columns x {DISTRIBUTION_BYTES} B x {load.models:,} models"
    yield Usage("inserts", "distributions", float(drawn) * each, f"{text} x {found.ticks:,} ticks")
    kept = found.facts.distributions_kept
    stored = float(drawn) * load.models * found.facts.ticks * kept
    yield Usage("storage", "distributions of some days", stored, f"{kept} days x {found.facts.ticks} x {text}")
    month = rows * RESULT_BYTES * each
    text = f"{rows} rows x {RESULT_BYTES} B x {load.models:,} models x {found.ticks:,} ticks"
    yield Usage("storage", "results of three months", ACTIVE_MONTHS * month, f"{ACTIVE_MONTHS} months x {text}")
    older = KEPT_MONTHS - ACTIVE_MONTHS
    yield Usage("old_storage", "older results", older * month, f"{older} months x {text}")


def _size(size: float) -> str:
    for unit, factor in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if size >= factor:
            return f"{size / factor:,.1f} {unit}"
    return f"{size:,.0f} B"
