"""The program behind `Emulator`: BigQuery's emulator, made light enough for a laptop.

    python -m infra.local.warehouse.launcher start --persistent --data-dir ... --project ...

takes the arguments of the emulator's own command. Whatever is changed in the emulator is changed here, in `statements`,
`queries`, `clones`, `loads` and `keeping`, each change by a function that says why. They replace parts of one version of it, and check that these
are there.
"""

import gc
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

from infra.local.warehouse import clones, keeping, loads, queries, statements
from infra.local.warehouse.parts import Part, part, replace

_SERVER = "bqemulator.grpc_api.server"
_NEW_OBJECTS = 50_000
"""How many objects are made before garbage is looked for among them: a parsed statement is some thousand, soon dropped."""


def main() -> None:
    """Change the emulator, and run its command."""
    clear_uploads()
    patch()
    collect_seldom()
    part("bqemulator.cli", "main")()


def patch() -> None:
    """Make every change.

    Raises:
        PatchError: something that is replaced is not there.
    """
    for change in (
        log_errors_alone,
        serve_no_storage_api,
        serve_without_middleware,
        answer_in_one_thread,
        keeping.copy_no_tables,
        keeping.limit_duckdb,
        keeping.keep_few_jobs,
        keeping.write_no_row_counts,
        clones.replace_by_clones,
        loads.load_csv_as_it_is,
        queries.answer_queries_as_bigquery,
        statements.parse_once,
        statements.translate_once,
        statements.define_by_definitions,
        statements.read_definitions_once,
        statements.look_for_no_pandas,
    ):
        change()


def collect_seldom() -> None:
    """Look for garbage less often, and not among what was imported: else it takes a third of what a new statement costs."""
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, *gc.get_threshold()[1:])


def clear_uploads() -> None:
    """Remove files of uploads that were interrupted when the emulator was killed."""
    if folder := os.environ.get("BQEMU_UPLOAD_STAGING_DIR"):
        for file in Path(folder).glob("*.bin"):
            file.unlink()


def log_errors_alone() -> None:
    """Log from the start as `--log-level error` has it, which only counts when all is imported."""
    level, form = part("bqemulator.config", "LogLevel.ERROR"), part("bqemulator.config", "LogFormat.CONSOLE")
    part("bqemulator.observability.logging_", "configure_logging")(level=level, fmt=form)


def serve_no_storage_api() -> None:
    """Leave out the server of the Storage API: nothing here speaks to it, and it loads gRPC with all its messages, 70 MB."""
    package = importlib.util.find_spec("bqemulator")
    folders = (package and package.submodule_search_locations) or []
    if not any(Path(folder, "grpc_api", "server.py").exists() for folder in folders):
        part(_SERVER, "build_grpc_server")  # says that it is not there
    for name in (_SERVER.rpartition(".")[0], _SERVER):
        sys.modules[name] = ModuleType(name)
    vars(sys.modules[_SERVER])["build_grpc_server"] = lambda _: (_NoServer(), 0)


class _NoServer:
    """A server that serves nothing."""

    async def start(self) -> None:
        """Do nothing."""

    async def stop(self, grace: float | None = None) -> None:
        """Do nothing."""


def serve_without_middleware() -> None:
    """Disable the access log and the metrics, which cost more than a request; decompression stays."""

    def bare(create: Part) -> Part:
        def created(context: Part) -> Part:
            app = create(context)
            app.user_middleware[:] = [one for one in app.user_middleware if one.cls.__name__ == "GzipRequestMiddleware"]
            return app

        return created

    part("bqemulator.api.middleware", "GzipRequestMiddleware")
    replace("bqemulator.server", "create_app", bare)


def answer_in_one_thread() -> None:
    """Answer requests in the one thread that statements run in.

    Else each waits three times for another thread, and two of them could use DuckDB's one connection at a time.
    """

    async def here(call: Part, *values: Part, **named: Part) -> Part:
        return call(*values, **named)

    replace("fastapi.routing", "run_in_threadpool", lambda _: here)
    replace("fastapi.dependencies.utils", "run_in_threadpool", lambda _: here)


if __name__ == "__main__":
    main()
