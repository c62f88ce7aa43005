"""The server: the API, what runs the jobs, and what publishes their log entries, started and stopped together."""

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
from google.api_core.exceptions import GoogleAPICallError
from google.cloud.pubsub_v1 import PublisherClient

from core.errors import UnavailableError
from functions.adapters.ports import PubsubMessage
from infra.local.replay.publish import publish
from infra.local.vertex import service
from infra.local.vertex.entries import entries
from infra.local.vertex.jobs import Jobs
from infra.local.vertex.runner import Runner
from infra.local.vertex.templates import Templates

log = logging.getLogger(__name__)
HOST = "127.0.0.1"
TOPIC = "pipeline-runs"
_PUBLISH_SECONDS = 0.2


@contextmanager
def serve(data: Path, project: str, *, port: int = 0, templates: Templates | None = None) -> Iterator[str]:
    """Serve until the block ends.

    Args:
        data: the folder of jobs, templates and artifacts; what an earlier server left there is continued.
        project: whose topic `pipeline-runs` takes the log entries.
        port: of the API; 0 takes a free one.
        templates: that jobs may name; those of this repository where none are given.

    Yields:
        What AIA_VERTEX_ENDPOINT is set to.

    Raises:
        RuntimeError: the port is taken.
    """
    jobs = Jobs(data / "jobs.sqlite", entries)
    known = templates or Templates(data / "templates")
    runner = Runner(jobs, known, data / "runs")
    server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((service.handlers(service.Service(jobs, known, runner)),))
    bound = server.add_insecure_port(f"{HOST}:{port}")
    stop = threading.Event()
    publisher = threading.Thread(target=_publish, args=(jobs, project, stop), name="publisher", daemon=True)
    runner.start()
    publisher.start()
    server.start()
    try:
        yield f"{HOST}:{bound}"
    finally:
        server.stop(grace=1).wait(timeout=3)
        runner.stop()
        stop.set()
        publisher.join()
        jobs.close()


def _publish(jobs: Jobs, project: str, stop: threading.Event) -> None:
    """Publish log entries in their order, each at least once, until it is stopped."""
    client, topic = PublisherClient(), f"projects/{project}/topics/{TOPIC}"
    while not stop.wait(_PUBLISH_SECONDS):
        waiting = jobs.unpublished()
        if not waiting:
            continue
        try:
            publish((PubsubMessage(entry, {}) for _, entry in waiting), client, topic, timeout=2.0)
        except (UnavailableError, GoogleAPICallError) as error:
            log.warning("log entries are not published, and are later: %s", error)
            stop.wait(1.0)
        else:
            jobs.published([number for number, _ in waiting])
