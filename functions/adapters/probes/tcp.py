"""TCP probe: whether a port accepts a connection, and how long it takes."""

from core.health import ProbeReason, ProbeResult, where
from core.settings import TcpProbe
from functions.adapters.net import Deadline, dial
from functions.adapters.probes.failure import failed, why


def check(probe: TcpProbe) -> ProbeResult:
    """Connect and close."""
    deadline = Deadline(probe.timeout.total_seconds())
    try:
        dial(probe.host, probe.port, deadline).close()
    except OSError as error:
        return failed(why(error), where(probe), deadline)
    return ProbeResult(ok=True, reason=ProbeReason.OK, latency=deadline.spent(), detail=f"{where(probe)} accepts")
