"""The entry point of an installed `aia`.

The wheel holds the tree as it is below one package, `aia_monitoring`, whose `__init__.py` this module is. The tree's folder
comes first in the module path of this program and of those it starts, as an archive's does where a function runs. Nothing
else in the environment finds `core`, `functions` or `infra`.
"""

import os
import sys
from pathlib import Path

_TREE = str(Path(__file__).resolve().parent)


def main() -> None:
    """Run the command."""
    sys.path.insert(0, _TREE)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [_TREE, os.environ.get("PYTHONPATH")]))
    try:
        from functions.cli.main import main as aia  # noqa: PLC0415 - found by the path above only

        aia()
    except ModuleNotFoundError as error:
        sys.exit(
            f"aia: the module {error.name} is missing: install aia-monitoring[cli], "
            "or aia-monitoring[local] for `aia local` and `aia demo`"
        )
