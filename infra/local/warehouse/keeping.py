"""Storage of the emulator: no copies of tables, few results, and a bounded part of the memory."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from infra.local.warehouse.parts import Part, part, replace

MEMORY_LIMIT: Final = "384MB"
"""The memory limit of DuckDB; beyond it, statements spill to files beside the data."""
THREADS: Final = int(os.environ.get("AIA_DUCKDB_THREADS", "2"))
"""The threads of DuckDB; more of them take longer over a small statement, and less over a year of rows."""
CHECKPOINT: Final = "4MB"
"""The size of the write-ahead log at which DuckDB folds it into its file: there is less to read again after a crash."""
MOST_JOBS: Final = 500
"""Jobs whose results are retained; a client reads them at once."""
LEAST_JOBS: Final = 50
"""Results that are retained regardless of their size."""
MOST_BYTES: Final = 32 * 2**20
"""The total size of further results."""
_SNAPSHOTS: Final = "bqemulator.versioning.snapshots"
_ENGINE: Final = "bqemulator.storage.engine"
_EXECUTOR: Final = "bqemulator.jobs.executor"
_CATALOG: Final = "bqemulator.catalog.duckdb_repository"


def copy_no_tables() -> None:
    """Keep no past states of tables.

    The emulator copies a whole table after each change of it, for `FOR SYSTEM_TIME AS OF`, and stores the copies for
    seven
    days: gigabytes a day of ours. No statement of ours looks back in that way. One that does is refused, since the live
    table would be a wrong answer. What `CREATE SNAPSHOT TABLE` asks for is copied as ever, and that a table has changed
    is still announced. Copies that an earlier version made are dropped.
    """
    refused = part("bqemulator.domain.errors", "InvalidQueryError")

    def capturing(capture: Part) -> Part:
        def only_for_users(self: Part, *table: str, kind: str = "AUTO") -> Part:
            return capture(self, *table, kind=kind) if kind == "USER" else None

        return only_for_users

    def refuse(_: Part, project: str, dataset: str, table: str, *__: object) -> None:
        raise refused(f"FOR SYSTEM_TIME AS OF: no past states of {project}.{dataset}.{table} are kept on one machine")

    def drop_copies(self: Part) -> int:
        copies = [copy for copy in self._catalog.list_all_snapshots() if copy.kind == "AUTO"]
        for copy in copies:
            self.drop_snapshot(copy)
        return len(copies)

    replace(_SNAPSHOTS, "SnapshotManager.capture", capturing)
    replace(_SNAPSHOTS, "SnapshotManager.resolve_time_travel", lambda _: refuse)
    replace(_SNAPSHOTS, "SnapshotManager.purge_expired", lambda _: drop_copies)


def limit_duckdb() -> None:
    """Let DuckDB have a part of a laptop; by default it takes 80 % of the memory, and every core.

    The extension for GEOGRAPHY, which no table of ours has, stays out: 80 MB that are read at each start.
    """

    def limiting(apply: Part) -> Part:
        def limited(self: Part) -> None:
            apply(self)
            for statement in limits(Path(self._resolve_path()).parent):
                self.connection.execute(statement)

        return limited

    replace(_ENGINE, "DuckDBEngine._apply_session_pragmas", limiting)
    replace(_ENGINE, "DuckDBEngine._load_spatial", lambda _: lambda _: None)


def limits(folder: Path) -> Iterator[str]:
    """The statements that limit DuckDB, with its files of the meantime in a folder."""
    spill = str(folder / "spill").replace("'", "''")
    yield f"SET memory_limit = '{MEMORY_LIMIT}'"
    yield f"SET threads = {THREADS}"
    yield f"SET temp_directory = '{spill}'"
    yield f"SET checkpoint_threshold = '{CHECKPOINT}'"
    yield "SET allocator_background_threads = true"
    yield "SET autoinstall_known_extensions = false"  # nothing is fetched from outside
    yield "SET enable_progress_bar = false"  # it would be drawn into the log


def keep_few_jobs() -> None:
    """Keep the newest jobs with their results, in memory alone.

    The emulator stores every result until it ends, and a row for every job forever. After it has ended, results are
    gone anyway, and a client starts its job again.
    """
    results, schemas = part(_EXECUTOR, "JOB_RESULTS"), part(_EXECUTOR, "JOB_SCHEMAS")
    sizes: dict[tuple[str, str], int] = {}

    def upsert(self: Part, job: Part) -> Part:
        self.ensure_ready()
        sizes.pop((job.project_id, job.job_id), None)  # so that it comes last
        sizes[job.project_id, job.job_id] = results[job.job_id].nbytes if job.job_id in results else 0
        while len(sizes) > MOST_JOBS or (len(sizes) > LEAST_JOBS and sum(sizes.values()) > MOST_BYTES):
            project, oldest = next(iter(sizes))
            del sizes[project, oldest]
            self._cache.delete_job(project, oldest, not_found_ok=True)
            results.pop(oldest, None)
            schemas.pop(oldest, None)
        return self._cache.upsert_job(job)

    def forget(self: Part) -> None:
        self._engine.execute('DELETE FROM "_bqemulator_catalog"."jobs"')

    replace(_CATALOG, "DuckDBCatalogRepository.upsert_job", lambda _: upsert)
    replace(_CATALOG, "DuckDBCatalogRepository._hydrate_jobs", lambda _: forget)


def write_no_row_counts() -> None:
    """Do not rewrite the whole description of a table after each append because of its row count.

    When it starts, the emulator takes the numbers from DuckDB, which counts rows that were deleted for a while.
    """

    def updating(update: Part) -> Part:
        def updated(self: Part, table: Part) -> Part:
            known = self.get_table(table.project_id, table.dataset_id, table.table_id)
            if known is not None and known.model_copy(update={"num_rows": table.num_rows}) == table:
                return self._cache.update_table(table)
            return update(self, table)

        return updated

    def counting(hydrate: Part) -> Part:
        def counted(self: Part) -> None:
            hydrate(self)
            found = self._engine.execute("SELECT schema_name, table_name, estimated_size FROM duckdb_tables()")
            counts = {(schema, name): count for schema, name, count in found.fetchall()}
            tables = self._cache._tables  # noqa: SLF001 - as the function does that this one follows
            for (project, dataset, name), table in tables.items():
                count = counts.get((f"{project}__{dataset}", name), table.num_rows)
                tables[project, dataset, name] = table.model_copy(update={"num_rows": count})

        return counted

    replace(_CATALOG, "DuckDBCatalogRepository.update_table", updating)
    replace(_CATALOG, "DuckDBCatalogRepository._hydrate_tables", counting)
