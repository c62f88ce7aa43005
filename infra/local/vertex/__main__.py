"""Runs the server until it is stopped: `python -m infra.local.vertex --port P --data DIR --project ID`."""

import argparse
import signal
import threading
from pathlib import Path

from infra.local.vertex.server import serve


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.vertex", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="of the API; 0 takes a free one")
    parser.add_argument("--data", type=Path, required=True, help="folder of jobs, templates and artifacts")
    parser.add_argument("--project", required=True, help="whose topic pipeline-runs takes the log entries")
    options = parser.parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with serve(options.data, options.project, port=options.port) as endpoint:
        print(f"vertex: ready on {endpoint}", flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
