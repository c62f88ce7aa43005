"""Publishes the tick of a job, as Cloud Scheduler does: `python -m infra.container.tick JOB`, at the instants of its schedule."""

import argparse
import os
import sys

from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.cloud import pubsub_v1

from infra import stage
from infra.local.scheduler import payload

PATIENCE = 30.0
"""Seconds for which the bus may not answer."""


def main(arguments: list[str] | None = None) -> int:
    """Publish it, and end with 1 where the bus did not take it."""
    parser = argparse.ArgumentParser(prog="python -m infra.container.tick", description=__doc__)
    parser.add_argument("job", choices=sorted(stage.deployment()["functions"]), metavar="JOB", help="its function")
    job = parser.parse_args(arguments).job
    topic = f"projects/{os.environ['GOOGLE_CLOUD_PROJECT']}/topics/ticks"
    try:
        pubsub_v1.PublisherClient().publish(topic, payload(job), job=job).result(timeout=PATIENCE)
    except (GoogleAPICallError, RetryError, TimeoutError) as error:
        print(f"tick: {job} was not published: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
