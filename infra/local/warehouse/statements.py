"""Rewrites of each statement by the emulator, cached by text.

It parses a statement some forty times on its way to DuckDB, which is nearly all of what a statement costs. Ours are
some hundred texts, with parameters. Cached results depend on their arguments only; those that are text are also on disk, for
the next emulator (`infra.local.results`).
"""

import functools
import hashlib
import importlib.util
import json
import sys
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Final

from infra.local.results import Results, cache_path
from infra.local.warehouse.parts import Part, part, replace

KEPT: Final = 512
"""The size of the caches, in texts."""
_EXECUTOR: Final = "bqemulator.jobs.executor"
_DEFINITIONS: Final = "bqemulator.catalog.ddl_sync"
_QUERIES: Final = frozenset({"SELECT", "MERGE", "INSERT", "UPDATE", "DELETE"})
"""Statements that neither create nor drop anything."""
_SELECT: Final = frozenset({"SELECT"})
_IMMUTABLE: Final = frozenset({"SNAPSHOT", "MATERIALIZED_VIEW"})


def parse_once() -> None:
    """Parse a text once, and give each caller a copy of the tree: copying costs a fifth of parsing."""

    def parsing(parse_one: Part) -> Part:
        @functools.lru_cache(KEPT)
        def tree(sql: str, read: str) -> Part:
            return parse_one(sql, read=read)

        def parse(sql: Part, read: Part = None, **options: Part) -> Part:
            if options or not isinstance(sql, str) or not isinstance(read, str):
                return parse_one(sql, read=read, **options)
            return tree(sql, read).copy()

        return parse

    replace("sqlglot", "parse_one", parsing)


def translate_once() -> None:
    """Cache the rewritten text by the columns of its tables and the caller: nothing else determines it."""
    succeeded = part("bqemulator.domain.result", "Ok")

    def translating(translate: Part) -> Part:
        kept: dict[Hashable, Part] = {}

        def translated(self: Part, bq_sql: str, *, schema: Part = None, caller: Part = None) -> Part:
            key = bq_sql, _frozen(schema), caller
            if key not in kept:
                _make_room(kept)
                kept[key] = known(*key) or made(self, *key, schema)
            return kept[key]

        def known(*key: Hashable) -> Part:
            found = _rewrites().find("translate", *key)
            return found and succeeded(found)

        def made(self: Part, bq_sql: str, frozen: Hashable, caller: Part, schema: Part) -> Part:
            result = translate(self, bq_sql, schema=schema, caller=caller)
            if isinstance(result, succeeded):
                _rewrites().keep(result.value, "translate", bq_sql, frozen, caller)
            return result

        return translated

    replace("bqemulator.sql.translator", "SQLTranslator.translate", translating)
    replace(_EXECUTOR, "_parse_script_or_raise", functools.lru_cache(KEPT))
    for name in ("rewrite_table_refs", "classify_statement_type"):
        replace(_EXECUTOR, name, _kept)
    replace("bqemulator.sql.inner_query", "rewrite_unnest_offset", _kept)


def define_by_definitions() -> None:
    """Analyse DDL only in statements of a kind that can have it, and what they change only where a materialized view awaits it."""
    kind = part(_EXECUTOR, "classify_statement_type")

    def unless(kinds: frozenset[str], at: int, nothing: Part = None) -> Callable[[Part], Part]:
        def skipping(look: Part) -> Part:
            return lambda *values: nothing if kind(values[at]) in kinds else look(*values)

        return skipping

    def announcing(announce: Part) -> Part:
        async def where_awaited(project: str, bq_sql: str, context: Part) -> None:
            if kind(bq_sql) not in _SELECT and context.catalog.list_all_materialized_views():
                await announce(project, bq_sql, context)

        return where_awaited

    for name in ("_detect_catalog_drop", "_detect_create_schema", "_detect_plain_create_table"):
        replace(_DEFINITIONS, name, unless(_QUERIES, 0))
    replace(_DEFINITIONS, "_detect_plain_create_view", unless(_QUERIES, 0, (None, None)))
    replace(_EXECUTOR, "detect_drop_routine", unless(_QUERIES, 0))
    replace(_EXECUTOR, "_reject_dml_on_immutable", unless(_SELECT, 1))
    replace(_EXECUTOR, "_reject_dml_on_immutable", _unless_immutable)
    replace(_EXECUTOR, "_capture_dml_snapshots", announcing)


def _unless_immutable(reject: Part) -> Part:
    """Analyse what a statement changes only where it names something that cannot be changed."""

    def rejecting(project: str, bq_sql: str, context: Part) -> None:
        tables = _tables(bq_sql, project, context.catalog)
        if any(table is not None and table.table_type in _IMMUTABLE for table in tables):
            reject(project, bq_sql, context)

    return rejecting


def read_definitions_once() -> None:
    """Put views into a text once, and do not look for views and row policies where there are none, nor for known columns.

    What a text with views becomes follows from it and their queries alone: ours read tables, and no view another view.
    """

    def rewriting(rewrite: Part) -> Part:
        kept: dict[Hashable, Part] = {}

        def rewritten(bq_sql: str, *, project_id: str, caller: Part, catalog: Part) -> Part:
            tables = [table for table in _tables(bq_sql, project_id, catalog) if table is not None]
            views = [table for table in tables if table.table_type == "VIEW"]
            if catalog.list_all_row_access_policies():
                return rewrite(bq_sql, project_id=project_id, caller=caller, catalog=catalog)
            if not views:
                return bq_sql
            key = bq_sql, project_id, tuple(sorted((view.dataset_id, view.table_id, view.view_query) for view in views))
            if key not in kept:
                _make_room(kept)
                put_in = functools.partial(rewrite, bq_sql, project_id=project_id, caller=caller, catalog=catalog)
                kept[key] = _rewrites().kept("views", put_in, *key)
            return kept[key]

        return rewritten

    def building(build: Part) -> Part:
        kept: dict[Hashable, tuple[list[Part], Part]] = {}

        def built(bq_sql: str, *, project_id: str, catalog: Part) -> Part:
            columns = [table and table.schema_ for table in _tables(bq_sql, project_id, catalog)]
            before, schema = kept.get((bq_sql, project_id), (None, None))
            if before is None or any(old is not new for old, new in zip(before, columns, strict=True)):
                schema = {}
                for path in ("`.`".join(filter(None, names)) for names in _names(bq_sql)):
                    schema |= build(f"SELECT 1 FROM `{path}`", project_id=project_id, catalog=catalog)  # noqa: S608 - a name of the text
                _make_room(kept)
                kept[bq_sql, project_id] = columns, schema
            return schema

        return built

    replace("bqemulator.sql.inner_query", "rewrite_for_row_access", rewriting)
    replace("bqemulator.sql.inner_query", "build_catalog_schema", building)


def look_for_no_pandas() -> None:
    """Report at once that pandas is not installed: DuckDB searches the whole path for it at each value of each statement.

    An entry of None says so before any search begins. Arrow takes it for pandas: it has to have looked before, which it does once.
    """
    if importlib.util.find_spec("pandas") is None:
        _ = part("pyarrow.lib", "_pandas_api.have_pandas")
        sys.modules["pandas"] = None  # type: ignore[assignment] # as the documentation of `sys.modules` has it


@functools.cache
def _rewrites() -> Results:
    """The results on disk, of these versions of what makes them."""
    parts = part("bqemulator", "__version__"), part("sqlglot", "__version__")
    return Results(cache_path("rewrites"), f"{parts} {hashlib.sha256(Path(__file__).read_bytes()).hexdigest()}")


def _kept(make: Callable[..., str]) -> Callable[..., str]:
    """Cache the text that follows from the arguments, in memory and on disk."""

    @functools.lru_cache(KEPT)
    def kept(*arguments: Hashable) -> str:
        return _rewrites().kept(make.__name__, functools.partial(make, *arguments), *arguments)

    return kept


@functools.lru_cache(KEPT)
def _names(sql: str) -> tuple[tuple[str, str, str], ...]:
    """The tables that a text names, in its order, each as project, dataset and table; missing parts are empty."""
    listed = _rewrites().kept("names", functools.partial(_read_names, sql), sql)
    return tuple((project, dataset, table) for project, dataset, table in json.loads(listed))


def _read_names(sql: str) -> str:
    failed, table = part("sqlglot", "errors.SqlglotError"), part("sqlglot", "exp.Table")
    try:
        tree = part("sqlglot", "parse_one")(sql, read="bigquery")
    except failed:
        return "[]"
    return json.dumps(list(dict.fromkeys((found.catalog, found.db, found.name) for found in tree.find_all(table))))


def _tables(sql: str, project: str, catalog: Part) -> list[Part]:
    """The catalog entry of each table that a text names, or None."""
    return [catalog.get_table(given or project, dataset, name) for given, dataset, name in _names(sql)]


def _frozen(value: Part) -> Hashable:
    """Nested dictionaries of text as something that can be a key."""
    return tuple((key, _frozen(item)) for key, item in value.items()) if isinstance(value, dict) else value


def _make_room(kept: dict[Hashable, Part]) -> None:
    """Drop the oldest, if nothing more can be kept."""
    if len(kept) >= KEPT:
        del kept[next(iter(kept))]
