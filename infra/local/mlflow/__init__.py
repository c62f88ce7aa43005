"""The MLflow server of one machine: from an environment of its own, on SQLite.

MLflow pins what the functions need in other versions, and is 620 MB; without it everything else works.
"""

import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from infra import stage

PROGRAM: Final = stage.ROOT / ".venv" / "mlflow" / "bin" / "mlflow"
ENVIRONMENT: Final[Mapping[str, str]] = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # Evaluations in the background take nine processes and 480 MB more; a registry needs none.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
}
"""What the server is given."""


def is_installed() -> bool:
    """Whether there is a server to start."""
    return PROGRAM.exists()


def command(folder: Path, port: int) -> list[str]:
    """The command line of the server.

    Args:
        folder: of its database and artifacts.
        port: of its pages and its API.
    """
    return [
        str(PROGRAM),
        "server",
        "--workers=1",
        "--host=127.0.0.1",
        f"--port={port}",
        f"--backend-store-uri=sqlite:///{folder / 'mlflow.sqlite'}",
        f"--artifacts-destination={folder / 'artifacts'}",
    ]


def is_healthy(url: str) -> bool:
    """Whether the server at a URL of this machine answers by now."""
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2) as response:  # noqa: S310 - an address of this machine
            return bool(response.status == 200)  # noqa: PLR2004 - OK
    except OSError:
        return False
