"""What BigQuery's emulator is like after the launcher has changed it, as JSON: a program, since the changes are the process's.

python tests/support/servers/patched.py <folder>
"""

import asyncio
import gc
import importlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.local.warehouse import launcher, statements
from infra.local.warehouse.parts import part

_SQL = "SELECT AVG(price) AS mean FROM shop.orders"


def parsed() -> dict[str, bool]:
    parse_one = part("sqlglot", "parse_one")
    first, second = parse_one(_SQL, read="bigquery"), parse_one(_SQL, read="bigquery")
    same = first == second
    first.set("expressions", [])
    return {
        "same": same,
        "unspoilt": second == parse_one(_SQL, read="bigquery") != first,
        "dialects_apart": parse_one('SELECT "a"', read="bigquery") != parse_one('SELECT "a"', read="duckdb"),
    }


def translated() -> dict[str, bool]:
    translate = part("bqemulator.sql.translator", "SQLTranslator")().translate
    exact, rough, again = (
        translate(_SQL, schema={"orders": {"price": kind}}).value
        for kind in ("DECIMAL(38, 9)", "DOUBLE", "DECIMAL(38, 9)")
    )
    disk = statements._rewrites()
    key = _SQL, (("orders", (("price", "DOUBLE"),)),), None
    disk.keep("SELECT 7", "translate", "SELECT 6", None, None)  # as another emulator would
    return {
        "kept": exact is again,
        "by_columns": exact != rough,
        "on_disk": disk.find("translate", *key) == rough,
        "from_disk": translate("SELECT 6").value == "SELECT 7",
    }


def classified() -> dict[str, str]:
    kinds = ("SELECT 1", "MERGE a.b AS b USING a.c AS c ON FALSE WHEN NOT MATCHED THEN INSERT ROW", "DROP TABLE a.b")
    classify = part("bqemulator.jobs.executor", "classify_statement_type")
    return {sql.split()[0]: classify(sql) for sql in kinds}


async def served(folder: Path) -> dict[str, Any]:
    settings = part("bqemulator.config", "Settings")(
        persistence_mode="persistent", data_dir=folder, rest_port=0, grpc_port=0, log_level="error"
    )
    server = part("bqemulator.server", "EmulatorServer")(settings)
    await server.start()
    names = ("memory_limit", "threads", "temp_directory", "checkpoint_threshold", "autoinstall_known_extensions")
    asked = ", ".join(f"current_setting('{name}')::VARCHAR" for name in names)
    duckdb = server._engine.execute(f"SELECT {asked}").fetchone()
    loaded = server._engine.execute("SELECT extension_name FROM duckdb_extensions() WHERE loaded").fetchall()
    app = server._fastapi_server.config.app
    await server.stop()
    return {
        "duckdb": dict(zip(names, duckdb, strict=True)),
        "extensions": [name for (name,) in loaded],
        "middleware": [one.cls.__name__ for one in app.user_middleware],
        "modules": [
            name
            for name in ("google.cloud.bigquery", "google.cloud.bigquery_storage_v1", "grpc")
            if name in sys.modules
        ],
    }


def pandas() -> str:
    """Why it is not there; Arrow has to do without it at once."""
    instant = datetime(2026, 1, 2, tzinfo=UTC)
    assert part("pyarrow", "scalar")(instant).as_py() == instant
    try:
        importlib.import_module("pandas")
    except ModuleNotFoundError as error:
        return str(error)
    return ""


def collected() -> dict[str, int]:
    return {"frozen": gc.get_freeze_count(), "after": gc.get_threshold()[0]}


def main() -> None:
    launcher.patch()
    launcher.collect_seldom()
    facts = {"parsed": parsed(), "translated": translated(), "classified": classified()}
    facts |= {"pandas": pandas(), "collected": collected()}
    print(json.dumps(facts | {"served": asyncio.run(served(Path(sys.argv[1])))}))


if __name__ == "__main__":
    main()
