"""Counting in the warehouse: one GoogleSQL statement that counts all features of a window in one scan.

No row leaves the warehouse, only how many fell into each cell of the profile. The edges and categories are query
parameters; names come from settings, are checked, and are quoted.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from core.drift.categories import GROUPS, hash_sql
from core.drift.columns import ProfileError
from core.drift.counts import SPECIAL, Counts, Filling
from core.drift.profile import Profile

_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,299}")
_TABLE = re.compile(r"([a-z][a-z0-9-]{4,28}[a-z0-9]\.)?[A-Za-z0-9_]{1,1024}\.[A-Za-z0-9_-]{1,1024}")
_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A GoogleSQL statement and its named query parameters."""

    sql: str
    parameters: dict[str, Any]


def count_sql(
    profile: Profile,
    *,
    table: str,
    timestamp: str,
    start: datetime,
    end: datetime,
    row_id: str | None = None,
    by: str | None = None,
    without: Collection[str] = (),
    computed: Mapping[str, str] = _NONE,
) -> Statement:
    """The statement that counts a window; `counts_from_rows` reads what it returns.

    Args:
        profile: of the reference; its features are columns of the table.
        table: as `dataset.table` or `project.dataset.table`.
        timestamp: the column that says when a row belongs to.
        start: the first instant of the window, aware.
        end: the instant after its last, aware.
        row_id: the column that names a row, where a row may be there twice and is to count once.
        by: a column that parts the rows into segments, each counted by itself.
        without: features that are not counted, because the table has no such column or one of another type.
        computed: expressions over the columns of the table, by the names that stand for them.

    Raises:
        ProfileError: a name is no identifier, or there is no feature to count.

    >>> from datetime import UTC
    >>> day = [datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)]
    >>> profile = Profile.fit({"age": [31.0, 45.0, 52.0]})
    >>> statement = count_sql(profile, table="logs.scored", timestamp="at", start=day[0], end=day[1])
    >>> sorted(statement.parameters)
    ['edges_0', 'window_end', 'window_start']
    """
    counted = [name for name in profile.order if name not in without]
    if not counted:
        raise ProfileError("profile: must have a feature to count, got none")
    names = (*counted, timestamp, row_id, by)
    columns = {name: _column(name) for name in names if name is not None}
    parameters: dict[str, Any] = {"window_start": start, "window_end": end}
    entries = [entry for entry in _entries(profile, columns) if profile.order[entry.feature] in counted]
    for entry in entries:
        parameters |= entry.parameters
    listed = ",\n    ".join(entry.struct(named=k == 0) for k, entry in enumerate(entries))
    source = _source(columns, _table(table), timestamp, row_id, computed)
    segment = f"COALESCE(CAST({columns[by]} AS STRING), 'missing') AS segment, " if by else ""
    keys = "segment, feature, bucket" if by else "feature, bucket"
    chosen = "w.segment, part.feature, part.bucket" if by else "part.feature, part.bucket"
    parts = f"SELECT {segment}[\n    {listed}\n  ] AS parts\n  FROM {source}"  # noqa: S608 - every name in it was checked
    wanted = f"{chosen}, COUNT(*) AS n, SUM(part.value) AS total, MIN(part.value) AS lowest, MAX(part.value) AS highest"
    sql = f"SELECT {wanted}\nFROM (\n  {parts}\n) AS w, UNNEST(w.parts) AS part\nGROUP BY {keys}"
    return Statement(sql=sql, parameters=parameters)


def counts_from_rows(
    profile: Profile,
    rows: Iterable[Mapping[str, Any]],
    *,
    absent: Collection[str] = (),
    retyped: Mapping[str, str] = _NONE,
) -> Counts:
    """The counts that the rows of the statement hold.

    Args:
        profile: that the statement was made for.
        rows: with `feature`, `bucket`, `n`, `total`, `lowest` and `highest`, in any order.
        absent: the features of the profile that the table has no column for.
        retyped: what the column holds instead, by the name of each feature whose column is of another type.

    Raises:
        ProfileError: a row names a feature or a bucket that the profile does not have.
    """
    filling, numeric = Filling.of(profile), len(profile.grid.names)
    first = next((k for k, name in enumerate(profile.order) if name not in absent and name not in retyped), 0)
    total = 0
    for row in rows:
        feature, bucket, n = int(row["feature"]), int(row["bucket"]), int(row["n"])
        _check(profile, feature, bucket)
        total += n if feature == first else 0
        if feature >= numeric:
            filling.add_categories(feature - numeric, bucket, n)
        else:
            filling.add_numbers(feature, bucket, n, row["total"])
            if bucket >= 0:
                filling.put_extremes(feature, row["lowest"], row["highest"])
    return filling.counts(total, absent, retyped)


def counts_by_segment(
    profile: Profile,
    rows: Iterable[Mapping[str, Any]],
    *,
    absent: Collection[str] = (),
    retyped: Mapping[str, str] = _NONE,
) -> dict[str, Counts]:
    """The counts of each segment, from the rows of a statement made with `by`.

    Raises:
        ProfileError: a row names a feature or a bucket that the profile does not have.
    """
    parts: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        parts[row["segment"]].append(row)
    return {segment: counts_from_rows(profile, part, absent=absent, retyped=retyped) for segment, part in parts.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """What one feature adds to the statement: its number, the bucket of a row's value, and the value if numeric."""

    feature: int
    bucket: str
    value: str
    parameters: dict[str, Any]

    def struct(self, *, named: bool) -> str:
        """As a struct of the array; only the first has to name its fields."""
        fields = zip((str(self.feature), self.bucket, self.value), ("feature", "bucket", "value"), strict=True)
        return f"STRUCT({', '.join(f'{text} AS {name}' if named else text for text, name in fields)})"


def _entries(profile: Profile, columns: Mapping[str, str]) -> Iterator[_Entry]:
    for k, name in enumerate(profile.grid.names):
        yield _numeric(k, columns.get(name, ""), profile.grid.edges_of(k).tolist(), profile.grid.origins[k])
    for k, part in enumerate(profile.categorical, len(profile.grid.names)):
        yield _categorical(k, columns.get(part.name, ""), sorted(part.values))


def _numeric(feature: int, column: str, edges: list[float], origin: int) -> _Entry:
    value = f"CAST({column} AS FLOAT64)"
    if origin:
        # Of integers the difference is taken first, as `measured` does; where it is none of 64 bits, that of floats.
        at = f"@origin_{feature}"
        value = f"IFNULL(CAST(SAFE_SUBTRACT({column}, {at}) AS FLOAT64), {value} - CAST({at} AS FLOAT64))"
    inside = f"RANGE_BUCKET({value}, @edges_{feature})" if edges else "0"
    missing = f"WHEN {value} IS NULL OR IS_NAN({value}) THEN -1"
    infinite = f"WHEN IS_INF({value}) THEN IF({value} < 0, -2, -3)"
    return _Entry(
        feature=feature,
        bucket=f"CASE {missing} {infinite} ELSE {inside} END",
        value=value,
        parameters=({f"edges_{feature}": edges} if edges else {}) | ({f"origin_{feature}": origin} if origin else {}),
    )


def _categorical(feature: int, column: str, values: list[str]) -> _Entry:
    text, known = f"CAST({column} AS STRING)", f"@categories_{feature}"
    place = f"RANGE_BUCKET({text}, {known})"
    other = f"{len(values)} + {hash_sql(text)}"
    found = f"IF({known}[SAFE_ORDINAL({place})] = {text}, {place} - 1, {other})" if values else other
    return _Entry(
        feature=feature,
        bucket=f"CASE WHEN {text} IS NULL THEN -1 ELSE {found} END",
        value="CAST(NULL AS FLOAT64)",
        parameters={f"categories_{feature}": values} if values else {},
    )


def _source(
    columns: Mapping[str, str], table: str, timestamp: str, row_id: str | None, computed: Mapping[str, str]
) -> str:
    """The rows of the window, each once."""
    at = columns[timestamp]
    once = f" QUALIFY ROW_NUMBER() OVER (PARTITION BY {columns[row_id]} ORDER BY {at}) = 1" if row_id else ""
    listed = (f"{computed[name]} AS {column}" if name in computed else column for name, column in columns.items())
    wanted = ", ".join(dict.fromkeys(listed))
    inside = f"{at} >= @window_start AND {at} < @window_end"
    return f"(SELECT {wanted} FROM {table} WHERE {inside}{once})"  # noqa: S608 - every name in it was checked and quoted


def _column(name: str) -> str:
    if not _COLUMN.fullmatch(name):
        raise ProfileError(f"column: must be letters, digits and underscores, got {name!r}")
    return f"`{name}`"


def _table(name: str) -> str:
    if not _TABLE.fullmatch(name):
        raise ProfileError(f"table: must be dataset.table or project.dataset.table, got {name!r}")
    return f"`{name}`"


def _check(profile: Profile, feature: int, bucket: int) -> None:
    """That the profile has such a feature, and the feature such a bucket."""
    numeric = len(profile.grid.names)
    if not 0 <= feature < len(profile.order):
        raise ProfileError(f"feature: must be 0 to {len(profile.order) - 1}, got {feature}")
    if feature < numeric:
        least, most = -SPECIAL, int(profile.grid.sizes[feature])
    else:
        least, most = -1, len(profile.categorical[feature - numeric].values) + GROUPS - 1
    if not least <= bucket <= most:
        raise ProfileError(f"bucket of {profile.order[feature]!r}: must be {least} to {most}, got {bucket}")
