"""Runs the server until it is stopped: `python -m infra.local.monitoring --grpc-port P --http-port Q`."""

import argparse
import signal
import threading
from pathlib import Path

from infra.local.monitoring.server import HOST, serve


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.monitoring", description=__doc__)
    parser.add_argument("--host", default=HOST, help="the address it listens on; everybody who reaches it may write")
    parser.add_argument("--grpc-port", type=int, default=0, help="of the API; 0 takes a free one")
    parser.add_argument("--http-port", type=int, default=0, help="of /metrics and /healthz; 0 takes a free one")
    parser.add_argument(
        "--data", type=Path, help="the folder whose disk is measured as well, with the memory of the machine"
    )
    options = parser.parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    place = {"grpc_port": options.grpc_port, "http_port": options.http_port}
    with serve(**place, data=options.data, host=options.host) as ports:
        print(f"monitoring: gRPC on {ports.endpoint}, metrics on http://{ports.target}/metrics", flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
