"""Whether a port accepts a connection, and how long that takes."""

from core.health.result import ProbeResult, Reason
from core.settings import TcpProbe
from functions.adapters.probes.net import Deadline, dial, failed, place, why


def check(probe: TcpProbe) -> ProbeResult:
    """Connect and close."""
    deadline = Deadline(probe.timeout.total_seconds())
    where = place(probe.host, probe.port)
    try:
        dial(probe.host, probe.port, deadline).close()
    except OSError as error:
        return failed(why(error), where, deadline)
    return ProbeResult(ok=True, reason=Reason.OK, latency=deadline.spent(), detail=f"{where} accepts")
