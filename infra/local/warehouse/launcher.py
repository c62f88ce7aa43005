"""BigQuery's emulator, made light enough for a laptop: the program behind `Emulator`.

    python -m infra.local.warehouse.launcher start --persistent --data-dir ... --project ...

takes the arguments of the emulator's own command. Everything that is changed in the emulator is changed here, each change by
a function that says why. They replace parts of one version of it, so each of them checks that the part is there.
"""

import functools
import importlib
import importlib.util
import sys
from collections.abc import Callable, Hashable, Iterable
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any, Final

MEMORY_LIMIT: Final = "384MB"
"""What DuckDB may hold; beyond it, intermediate results go to files beside the data."""
THREADS: Final = 2
CHECKPOINT: Final = "4MB"
"""Size of the write-ahead log at which DuckDB folds it into the file; less to read again after a crash."""
KEPT_TEXTS: Final = 512
"""Statements of which the translation is kept; ours are some fifty."""
MOST_JOBS: Final = 500
"""Finished jobs whose results can still be asked for. A client asks at once."""
LEAST_JOBS: Final = 50
"""So many are kept whatever their size."""
KEPT_BYTES: Final = 32 * 2**20
"""What the results of more jobs than those may hold together."""
_QUERIES: Final = frozenset({"SELECT", "MERGE", "INSERT", "UPDATE", "DELETE"})


class PatchError(RuntimeError):
    """The emulator is not the version that this module changes."""


def main() -> None:
    """Change the emulator, and run its command."""
    patch()
    part("bqemulator.cli", "main")()


def patch() -> None:
    """Make every change.

    Raises:
        PatchError: something that is replaced is not there.
    """
    for change in (
        copy_no_tables,
        load_no_spatial_functions,
        limit_duckdb,
        look_for_no_pandas,
        parse_once,
        translate_once,
        define_only_by_definitions,
        read_definitions_once,
        keep_few_jobs,
        write_no_row_counts,
        serve_without_middleware,
        answer_in_one_thread,
    ):
        change()


def part(module: str, path: str) -> Any:  # noqa: ANN401 - any part of the emulator
    """A part of the emulator: `part("bqemulator.cli", "main")`.

    Raises:
        PatchError: it is not there; says which version is installed.
    """
    try:
        found: Any = importlib.import_module(module)
        for name in path.split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError) as error:
        version = getattr(sys.modules.get("bqemulator"), "__version__", "unknown")
        raise PatchError(
            f"bqemulator {version} has no {module}.{path}, which infra/local/warehouse/launcher.py replaces: {error}"
        ) from error
    return found


def replace(module: str, path: str, make: Callable[[Any], Any]) -> None:
    """Put `make(part)` in the place of a part."""
    old = part(module, path)
    owner, _, name = path.rpartition(".")
    holder = part(module, owner) if owner else importlib.import_module(module)
    new = make(old)
    if callable(old) and not isinstance(old, type):
        functools.update_wrapper(new, old)
    setattr(holder, name, new)


def copy_no_tables() -> None:
    """Keep no past states of the tables.

    The emulator copies a whole table after each change of it, for `FOR SYSTEM_TIME AS OF`, and keeps the copies for seven
    days: 7 GB a day of ours. No statement of ours looks back in that way; one that does is refused, where the live table
    would answer wrongly. What a person asks for by `CREATE SNAPSHOT TABLE` is copied as ever, and that a table has changed
    is still announced. Copies that an earlier version made are dropped.
    """
    unsupported = part("bqemulator.domain.errors", "UnsupportedFeatureError")

    def capturing(capture: Callable[..., Any]) -> Callable[..., Any]:
        def only_for_users(self: Any, *table: str, kind: str = "AUTO") -> Any:  # noqa: ANN401 - the emulator's own
            return capture(self, *table, kind=kind) if kind == "USER" else None

        return only_for_users

    def refusing(_: Callable[..., Any]) -> Callable[..., Any]:
        def refuse(_: Any, *table: object) -> None:  # noqa: ANN401 - the emulator's own
            name = ".".join(map(str, table[1:3]))
            raise unsupported(f"FOR SYSTEM_TIME AS OF: no past states of {name} are kept on one machine")

        return refuse

    def purging(_: Callable[..., Any]) -> Callable[..., Any]:
        def drop_copies(self: Any) -> int:  # noqa: ANN401 - the emulator's own
            copies = [copy for copy in self._catalog.list_all_snapshots() if copy.kind == "AUTO"]
            for copy in copies:
                self.drop_snapshot(copy)
            return len(copies)

        return drop_copies

    manager = "bqemulator.versioning.snapshots"
    replace(manager, "SnapshotManager.capture", capturing)
    replace(manager, "SnapshotManager.resolve_time_travel", refusing)
    replace(manager, "SnapshotManager.purge_expired", purging)


def load_no_spatial_functions() -> None:
    """Leave DuckDB's spatial extension out: 80 MB that are read at each start, for GEOGRAPHY, which no table of ours has."""
    replace("bqemulator.storage.engine", "DuckDBEngine._load_spatial", lambda _: lambda _: None)


def limit_duckdb() -> None:
    """Let DuckDB take a part of a laptop: by default it takes 80 % of the memory and every core.

    Its log is folded into the file early, so that the file does not lag behind and a crash costs little; free blocks are
    used again. It may fetch nothing from outside.
    """

    def limiting(apply: Callable[..., None]) -> Callable[..., None]:
        def limited(self: Any) -> None:  # noqa: ANN401 - the emulator's own
            apply(self)
            for statement in settings(Path(self._resolve_path()).parent):
                self.connection.execute(statement)

        return limited

    replace("bqemulator.storage.engine", "DuckDBEngine._apply_session_pragmas", limiting)


def settings(folder: Path) -> Iterable[str]:
    """The statements that limit DuckDB, with its temporary files in `folder`."""
    spill = str(folder / "spill").replace("'", "''")
    yield f"SET memory_limit = '{MEMORY_LIMIT}'"
    yield f"SET threads = {THREADS}"
    yield f"SET temp_directory = '{spill}'"
    yield f"SET checkpoint_threshold = '{CHECKPOINT}'"
    yield "SET allocator_background_threads = true"
    yield "SET enable_progress_bar = false"
    yield "SET autoinstall_known_extensions = false"


def look_for_no_pandas() -> None:
    """Say once that pandas is not installed: DuckDB looks for it, along the whole path, at each value of each statement."""
    if importlib.util.find_spec("pandas") is None:
        sys.meta_path.insert(0, _NoPandas())


class _NoPandas(MetaPathFinder):
    """Ends a search for pandas where it begins."""

    def find_spec(self, fullname: str, *_: object) -> None:
        """Say nothing about any other module."""
        if fullname == "pandas":
            raise ModuleNotFoundError("No module named 'pandas'", name=fullname)


def parse_once() -> None:
    """Parse a text once.

    The emulator parses a statement some forty times on its way. Here each caller is given a copy of one tree: copying
    costs a fifth of parsing.
    """

    def parsing(parse_one: Callable[..., Any]) -> Callable[..., Any]:
        @functools.lru_cache(KEPT_TEXTS)
        def tree(sql: str, read: str) -> Any:  # noqa: ANN401 - sqlglot's own
            return parse_one(sql, read=read)

        def parse(sql: Any, read: Any = None, **options: Any) -> Any:  # noqa: ANN401 - sqlglot's own
            if options or not isinstance(sql, str) or not isinstance(read, str):
                return parse_one(sql, read=read, **options)
            return tree(sql, read).copy()

        return parse

    replace("sqlglot", "parse_one", parsing)


def translate_once() -> None:
    """Keep what a statement becomes: of a text, the columns of its tables and who asks, which are all that decide it."""

    def translating(translate: Callable[..., Any]) -> Callable[..., Any]:
        kept: dict[Hashable, Any] = {}

        def translated(self: Any, bq_sql: str, *, schema: Any = None, caller: Any = None, **more: Any) -> Any:  # noqa: ANN401 - the emulator's own
            key = (bq_sql, _frozen(schema), caller, _frozen(more))
            if key not in kept:
                _forget(kept, KEPT_TEXTS - 1)
                kept[key] = translate(self, bq_sql, schema=schema, caller=caller, **more)
            return kept[key]

        return translated

    replace("bqemulator.sql.translator", "SQLTranslator.translate", translating)
    executor = "bqemulator.jobs.executor"
    for name in ("rewrite_table_refs", "_parse_script_or_raise", "classify_statement_type"):
        replace(executor, name, functools.lru_cache(KEPT_TEXTS))


def define_only_by_definitions() -> None:
    """Do not look for what a statement creates, drops or changes where it is of a kind that does not."""
    kind = part("bqemulator.jobs.executor", "classify_statement_type")

    def unless_query(nothing: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:  # noqa: ANN401 - what is found then
        def skipping(look: Callable[..., Any]) -> Callable[..., Any]:
            def looked(bq_sql: str, *rest: Any) -> Any:  # noqa: ANN401 - the emulator's own
                return nothing if kind(bq_sql) in _QUERIES else look(bq_sql, *rest)

            return looked

        return skipping

    definitions = "bqemulator.catalog.ddl_sync"
    for name in ("_detect_catalog_drop", "_detect_create_schema", "_detect_plain_create_table"):
        replace(definitions, name, unless_query(None))
    replace(definitions, "_detect_plain_create_view", unless_query((None, None)))
    replace("bqemulator.jobs.executor", "detect_drop_routine", unless_query(None))

    def unless_select(look: Callable[..., Any]) -> Callable[..., Any]:
        def rejected(project: str, bq_sql: str, ctx: Any) -> None:  # noqa: ANN401 - the emulator's own
            if kind(bq_sql) != "SELECT":
                look(project, bq_sql, ctx)

        return rejected

    def unless_select_later(look: Callable[..., Any]) -> Callable[..., Any]:
        async def captured(project: str, bq_sql: str, ctx: Any) -> None:  # noqa: ANN401 - the emulator's own
            if kind(bq_sql) != "SELECT":
                await look(project, bq_sql, ctx)

        return captured

    replace("bqemulator.jobs.executor", "_reject_dml_on_immutable", unless_select)
    replace("bqemulator.jobs.executor", "_capture_dml_snapshots", unless_select_later)


def read_definitions_once() -> None:
    """Do not look through a statement for views and row policies where there are none, nor for columns that are known."""

    def rewriting(rewrite: Callable[..., str]) -> Callable[..., str]:
        def rewritten(bq_sql: str, *, project_id: str, caller: Any, catalog: Any) -> str:  # noqa: ANN401 - the emulator's own
            views = any(
                table is not None and table.table_type == "VIEW" for table in _tables(bq_sql, project_id, catalog)
            )
            if not views and not catalog.list_all_row_access_policies():
                return bq_sql
            return rewrite(bq_sql, project_id=project_id, caller=caller, catalog=catalog)

        return rewritten

    def building(build: Callable[..., Any]) -> Callable[..., Any]:
        kept: dict[Hashable, tuple[list[Any], Any]] = {}

        def built(bq_sql: str, *, project_id: str, catalog: Any) -> Any:  # noqa: ANN401 - the emulator's own
            columns = [table and table.schema_ for table in _tables(bq_sql, project_id, catalog)]
            before, schema = kept.get((bq_sql, project_id), (None, None))
            if before is None or any(old is not new for old, new in zip(before, columns, strict=True)):
                schema = build(bq_sql, project_id=project_id, catalog=catalog)
                _forget(kept, KEPT_TEXTS - 1)
                kept[bq_sql, project_id] = columns, schema
            return schema

        return built

    replace("bqemulator.sql.inner_query", "rewrite_for_row_access", rewriting)
    replace("bqemulator.sql.inner_query", "build_catalog_schema", building)


def _tables(sql: str, project: str, catalog: Any) -> list[Any]:  # noqa: ANN401 - the emulator's own
    """What the catalog says of each table that a statement names, None where it has none."""
    return [catalog.get_table(given or project, dataset, name) for given, dataset, name in names(sql)]


@functools.lru_cache(KEPT_TEXTS)
def names(sql: str) -> tuple[tuple[str, str, str], ...]:
    """The tables that a statement names: project, dataset, table; those that are not said are empty."""
    import sqlglot
    from sqlglot import exp

    try:
        tree = sqlglot.parse_one(sql, read="bigquery")
    except sqlglot.errors.SqlglotError:
        return ()
    return tuple({(table.catalog, table.db, table.name) for table in tree.find_all(exp.Table)})


def keep_few_jobs() -> None:
    """Keep the newest jobs with their results, in memory alone.

    The emulator keeps every result until it ends, and a row for every job for ever. After a crash the results are gone
    anyway, and a client that asks again starts its job again.
    """
    results = part("bqemulator.jobs.executor", "JOB_RESULTS")
    schemas = part("bqemulator.jobs.executor", "JOB_SCHEMAS")

    def bounded(_: Callable[..., Any]) -> Callable[..., Any]:
        sizes: dict[tuple[str, str], int] = {}

        def upsert(self: Any, job: Any) -> Any:  # noqa: ANN401 - the emulator's own
            self.ensure_ready()
            key = job.project_id, job.job_id
            sizes.pop(key, None)  # so that it comes last
            sizes[key] = results[job.job_id].nbytes if job.job_id in results else 0
            while len(sizes) > MOST_JOBS or (len(sizes) > LEAST_JOBS and sum(sizes.values()) > KEPT_BYTES):
                project, oldest = next(iter(sizes))
                del sizes[project, oldest]
                self._cache.delete_job(project, oldest, not_found_ok=True)
                results.pop(oldest, None)
                schemas.pop(oldest, None)
            return self._cache.upsert_job(job)

        return upsert

    def forgetting(_: Callable[..., Any]) -> Callable[..., Any]:
        def forget(self: Any) -> None:  # noqa: ANN401 - the emulator's own
            self._engine.execute('DELETE FROM "_bqemulator_catalog"."jobs"')

        return forget

    repository = "bqemulator.catalog.duckdb_repository"
    replace(repository, "DuckDBCatalogRepository.upsert_job", bounded)
    replace(repository, "DuckDBCatalogRepository._hydrate_jobs", forgetting)


def write_no_row_counts() -> None:
    """Do not write a table's whole description again after each append, for the number of its rows.

    When it starts, the emulator takes the numbers from DuckDB.
    """

    def updating(update: Callable[..., Any]) -> Callable[..., Any]:
        def updated(self: Any, table: Any) -> Any:  # noqa: ANN401 - the emulator's own
            known = self.get_table(table.project_id, table.dataset_id, table.table_id)
            if known is not None and known.model_copy(update={"num_rows": table.num_rows}) == table:
                return self._cache.update_table(table)
            return update(self, table)

        return updated

    def counting(hydrate: Callable[..., None]) -> Callable[..., None]:
        def counted(self: Any) -> None:  # noqa: ANN401 - the emulator's own
            hydrate(self)
            found = self._engine.execute(
                "SELECT schema_name, table_name, estimated_size FROM duckdb_tables()"
            ).fetchall()
            counts = {(schema, name): count for schema, name, count in found}
            tables = self._cache._tables  # noqa: SLF001 - the emulator reaches into it likewise
            for (project, dataset, name), table in tables.items():
                count = counts.get((f"{project}__{dataset}", name), table.num_rows)
                tables[project, dataset, name] = table.model_copy(update={"num_rows": count})

        return counted

    repository = "bqemulator.catalog.duckdb_repository"
    replace(repository, "DuckDBCatalogRepository.update_table", updating)
    replace(repository, "DuckDBCatalogRepository._hydrate_tables", counting)


def serve_without_middleware() -> None:
    """Answer requests without an access log and metrics that nobody reads: they cost more than the request.

    What unpacks compressed requests stays.
    """

    def bare(create: Callable[..., Any]) -> Callable[..., Any]:
        def created(context: Any) -> Any:  # noqa: ANN401 - the emulator's own
            app = create(context)
            app.user_middleware[:] = [one for one in app.user_middleware if one.cls.__name__ == "GzipRequestMiddleware"]
            return app

        return created

    replace("bqemulator.server", "create_app", bare)


def answer_in_one_thread() -> None:
    """Answer every request where statements run, in the one thread that they run in.

    Otherwise each request waits three times for another thread, and two of them can use DuckDB's one connection at a time.
    """

    async def here(call: Callable[..., Any], *values: Any, **named: Any) -> Any:  # noqa: ANN401 - any function's
        return call(*values, **named)

    replace("fastapi.routing", "run_in_threadpool", lambda _: here)
    replace("fastapi.dependencies.utils", "run_in_threadpool", lambda _: here)


def _frozen(value: Any) -> Hashable:  # noqa: ANN401 - nested dictionaries of text
    """The same as something that can be a key."""
    if isinstance(value, dict):
        return tuple((key, _frozen(item)) for key, item in value.items())
    return value  # type: ignore[no-any-return]


def _forget(kept: dict[Hashable, Any], most: int) -> None:
    """Drop the oldest until there are `most`."""
    while len(kept) > most:
        del kept[next(iter(kept))]


if __name__ == "__main__":
    main()
