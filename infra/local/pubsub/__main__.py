"""The command line: `python -m infra.local.pubsub --port 8085 --data pubsub.sqlite`."""

import argparse
import asyncio
import logging
from pathlib import Path

from infra.local.pubsub import metrics
from infra.local.pubsub.server import serve
from infra.local.pubsub.tally import Tally


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="infra.local.pubsub", description="A small durable Pub/Sub server.")
    parser.add_argument(
        "--host", default="127.0.0.1", help="the address it listens on; everybody who reaches it may do all"
    )
    parser.add_argument("--port", type=int, required=True, help="0 takes a free one")
    parser.add_argument("--rest-port", type=int, default=0, help="of REST; 0 takes a free one")
    parser.add_argument("--metrics-port", type=int, default=0, help="of /metrics; 0 takes a free one")
    parser.add_argument("--data", type=Path, required=True, help="the SQLite file")
    parser.add_argument("--project", default="aia-local", help="of the BigQuery client")
    parser.add_argument("--log-level", default="WARNING")
    arguments = parser.parse_args()
    logging.basicConfig(level=arguments.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    tally = Tally()
    host = arguments.host
    with metrics.serve(arguments.metrics_port, arguments.data, tally, host):
        asyncio.run(serve(arguments.port, arguments.rest_port, arguments.data, arguments.project, tally, host=host))


if __name__ == "__main__":
    main()
