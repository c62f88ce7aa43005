"""Who writes a time series: the label `instance`.

A series must have one writer at a time, since points are to arrive in order and a counter to grow; and it should live on,
since each new one is another that is stored, charged and shown until the end of a lookback window.

Counters, and gauges of the present, are a process's own. Cloud Run gives the revision (`K_REVISION`) and, by the metadata
server, an id of the container instance, which is new for each instance and the same for its whole life; the host name is
`localhost` in all of them. A worker process that is started again within an instance has another process id. Elsewhere host
name and process id take their place. A process id that is used again continues the series, and its counters start anew,
as their start time says.

Gauges about an instant, such as those of a model's window, are no process's own: whichever instance handles a tick writes
the same value for the same instant. They share one series, so that instances, which come and go by the hour, do not multiply
the series of every model. Two instances that write at once cannot garble it: of the same instant the API refuses the second
point, and of an older one, which leaves the newest, as it must be.
"""

import itertools
import logging
import os
import secrets
import socket
import urllib.error
import urllib.request

SHARED = "shared"
"""The instance of gauges about an instant."""
_SECONDS = 1.0
_numbers = itertools.count()
log = logging.getLogger(__name__)


def writer(function: str) -> str:
    """The name of this process as a writer; each call is another writer of the process.

    Args:
        function: the name of the function, where no revision is known.
    """
    revision = os.environ.get("K_REVISION", "")
    place = f"{revision}-{_cloud_run_instance()}" if revision else f"{function}-{socket.gethostname()}"
    return f"{place}-{os.getpid()}-{next(_numbers)}"


def _cloud_run_instance() -> str:
    """The id of the container instance; one that nobody else has where the metadata server does not answer."""
    host = os.environ.get("GCE_METADATA_HOST", "metadata.google.internal")
    request = urllib.request.Request(
        f"http://{host}/computeMetadata/v1/instance/id", headers={"Metadata-Flavor": "Google"}
    )
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 - always http, as Google documents it
            return str(answer.read(512).decode("ascii").strip())
    except (OSError, ValueError) as error:
        log.warning("metrics: no instance id, a random one is used: %s", error)
        return secrets.token_hex(8)
