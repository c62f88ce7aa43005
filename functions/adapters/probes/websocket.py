"""WebSocket probe: whether a connection opens (RFC 6455), and answers a ping or a message; redirects are not followed."""

import logging
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from core.health import ProbeReason, ProbeResult
from core.settings.probes import WebsocketProbe
from functions.adapters.net import Deadline, trusting
from functions.adapters.probes.failure import failed, failed_by, passed
from functions.adapters.probes.reach import reach

LARGEST = 64 * 1024
"""Bytes of a message."""
_PORTS = {"ws": 80, "wss": 443}
# It logs the URL, which may have a secret in it.
_LOG = logging.getLogger("functions.adapters.probes.websocket.library")
_LOG.disabled = True


class _WrongTextError(Exception):
    """The first message is not as expected."""


def check(probe: WebsocketProbe) -> ProbeResult:
    """Open a connection, exchange one message or a ping, and close it."""
    trusting()  # loaded now, because it must not count as latency of the target
    deadline = Deadline(probe.timeout.total_seconds())
    try:
        return _exchanged(probe, deadline)
    except OSError as error:
        return failed_by(error, probe.where, deadline)
    except InvalidStatus as error:
        return failed(ProbeReason.WRONG_STATUS, f"{probe.where}: HTTP {error.response.status_code}", deadline)
    except _WrongTextError as error:
        return failed(ProbeReason.WRONG_BODY, f"{probe.where}: {error}", deadline)
    except WebSocketException as error:
        gone = isinstance(error, ConnectionClosed) or isinstance(error.__cause__, EOFError)
        return failed(ProbeReason.CLOSED_EARLY if gone else ProbeReason.BAD_ANSWER, probe.where, deadline)


def _exchanged(probe: WebsocketProbe, deadline: Deadline) -> ProbeResult:
    url = urlsplit(probe.url)
    host = url.hostname or ""
    with (
        reach(probe, host, url.port or _PORTS[url.scheme], deadline) as stream,
        connect(
            probe.url,
            sock=stream,
            ssl=trusting() if url.scheme == "wss" else None,
            server_hostname=host if url.scheme == "wss" else None,
            proxy=None,
            user_agent_header="aia-monitoring",
            open_timeout=deadline.left(),
            close_timeout=0.1,
            ping_interval=None,
            max_size=LARGEST,
            logger=_LOG,
            legacy=True,
        ) as connection,
    ):
        _converse(probe, connection, deadline)
        return passed(f"{probe.where} answers", deadline)


def _converse(probe: WebsocketProbe, connection: ClientConnection, deadline: Deadline) -> None:
    expected = probe.expect.text
    if expected is None:
        if not connection.ping().wait(deadline.left()):
            raise TimeoutError("no pong")
        return
    if probe.send is not None:
        connection.send(probe.send)
    message = connection.recv(timeout=deadline.left(), decode=True)
    if expected not in message:
        raise _WrongTextError(f"the message must contain {expected!r}, got {len(message)} characters without")
