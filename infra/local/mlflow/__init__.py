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

_SERVE: Final = """
import os, sys
import uvicorn
from mlflow.server import constants
from mlflow.server.handlers import initialize_backend_stores

database, artifacts, port = sys.argv[1:]
root = "mlflow-artifacts:/"
os.environ[constants.BACKEND_STORE_URI_ENV_VAR] = database
os.environ[constants.REGISTRY_STORE_URI_ENV_VAR] = database
os.environ[constants.ARTIFACT_ROOT_ENV_VAR] = root
os.environ[constants.SERVE_ARTIFACTS_ENV_VAR] = "true"
os.environ[constants.ARTIFACTS_DESTINATION_ENV_VAR] = artifacts
initialize_backend_stores(database, database, root)
uvicorn.run("mlflow.server.fastapi_app:app", host="127.0.0.1", port=int(port))
"""
"""What `mlflow server --workers=1` does in two processes, each of which imports MLflow: half of what it takes to start."""


def is_installed() -> bool:
    """Whether there is a server to start."""
    return PROGRAM.exists()


def command(folder: Path, port: int) -> list[str]:
    """The command line of the server.

    Args:
        folder: of its database and artifacts.
        port: of its pages and its API.
    """
    database, artifacts = f"sqlite:///{folder / 'mlflow.sqlite'}", str(folder / "artifacts")
    return [str(PROGRAM.with_name("python")), "-c", _SERVE, database, artifacts, str(port)]


def is_healthy(url: str) -> bool:
    """Whether the server at a URL of this machine answers by now."""
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2) as response:  # noqa: S310 - an address of this machine
            return bool(response.status == 200)  # noqa: PLR2004 - OK
    except OSError:
        return False
