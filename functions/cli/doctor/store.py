"""Whether the store that the environment names answers."""

from collections.abc import Iterator

from core.errors import UnavailableError
from functions.adapters.stores import require
from functions.cli.doctor.findings import Finding, Verdict


def store(url: str, project: str) -> Iterator[Finding]:
    """That it answers; nothing where `AIA_STORE` is not set here, as on a machine from which one only deploys."""
    if not url:
        return
    try:
        require(url, project)
    except (UnavailableError, ValueError) as error:
        yield Finding(check="store", subject="AIA_STORE", verdict=Verdict.BAD, detail=str(error))
    else:
        yield Finding(check="store", subject="AIA_STORE", verdict=Verdict.GOOD, detail="answers")
