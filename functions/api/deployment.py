"""Where the deployment is: its project, and on one machine the addresses by which a client finds its emulators."""

import os
from collections.abc import Mapping
from typing import Final

from functions.adapters.ports import Data

_EMULATORS: Final = ("BIGQUERY_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS")
"""What a client of Google's needs in its environment to reach the emulators of one machine."""


def is_local(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the services are emulators of one machine."""
    return bool(environ.get("BIGQUERY_EMULATOR_HOST"))


def deployment(environ: Mapping[str, str] = os.environ) -> Data:
    """The project, and the environment of a client where the services are emulators; without these, no variable is returned."""
    emulators = {name: environ[name] for name in _EMULATORS if is_local(environ) and name in environ}
    return {"project": environ.get("GOOGLE_CLOUD_PROJECT", ""), "emulators": emulators}
