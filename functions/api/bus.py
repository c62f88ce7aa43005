"""The bus of the API, which most of its requests do without."""

from collections.abc import Callable

from functions.adapters.ports import RowBus
from functions.runtime.ports import once


def opener(project: str, patience: float) -> Callable[[], RowBus]:
    """What opens the bus when it is first needed, and gives the open one from then on.

    Args:
        project: whose topics they are.
        patience: seconds until the bus is taken to be unavailable.
    """

    @once
    def opened() -> RowBus:
        from functions.adapters.bus import open_bus  # noqa: PLC0415 - what only reads starts without it

        return open_bus(project, patience=patience)

    return opened
