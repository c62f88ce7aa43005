"""Which files one opens to follow a message: those of the product with a function that runs for it.

python tests/benchmarks/traced.py

The outside is in memory, so the files of the adapters of Google Cloud are not among them.
"""

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from tests.support.fakes.deployed import Deployed
from tests.support.fakes.functions import CASES
from tests.support.fakes.ports import posted, push

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("core", "functions")
_OF_A_FUNCTION = 0x1
"""`CO_OPTIMIZED`: a module and the body of a class have it not."""


def files(act: Callable[[], object]) -> list[str]:
    """The files of the product with a function that runs, in any thread, while something is done."""
    seen: set[str] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_flags & _OF_A_FUNCTION:
            seen.add(frame.f_code.co_filename)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    inside = (Path(name).relative_to(ROOT) for name in seen if Path(name).is_relative_to(ROOT))
    return sorted(path.as_posix() for path in inside if path.parts[0] in PRODUCT)


def followed(function: str) -> list[str]:
    """The files from a request to its effect, on an instance that has answered none before."""
    case = next(case for case in CASES if case.name == function)
    Deployed(case).deliver(case.takes[0])  # what is imported when it is first needed is not followed
    deployed = Deployed(case)
    ports, body = deployed.ports(function), push(case.takes[0], case.now.isoformat())
    before = deployed.outside.effects()
    found = files(lambda: case.build(ports)(posted(body)))
    if deployed.outside.effects() == before:
        raise AssertionError(f"{function}: must have an effect, got none")
    return found


def main() -> None:
    """Print both, as Markdown."""
    for title, function in (
        ("A tick of drift_score, from HTTP to a finding", "drift_score"),
        ("A finding, from the router's HTTP to a message that is sent", "incident_router"),
    ):
        found = followed(function)
        print(f"### {title}: {len(found)} files\n", *(f"- {name}" for name in found), "", sep="\n")


if __name__ == "__main__":
    main()
