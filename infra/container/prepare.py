"""Makes the topics, the subscriptions and the tables: `python -m infra.container.prepare`; idempotent.

What Terraform does on Google Cloud. The bus is the one that PUBSUB_EMULATOR_HOST names, the warehouse BigQuery or its emulator.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery

from infra import stage
from infra.container.command import ALL, PORT, chosen
from infra.local.pubsub.topology import apply_topology
from infra.local.warehouse.tables import create_tables

ENDPOINT = "http://{name}:8080"
"""Where a function is reached: its Service, whose name is the function's with dashes."""


TOKENS: Final = {"alert_intake": "AIA_INTAKE_TOKEN", "otlp": "AIA_OTLP_TOKEN"}
"""What senders present to functions that take messages of the bus as well, where it is set: so the bus presents it too."""


def endpoints(template: str, environ: Mapping[str, str], first: int = PORT) -> dict[str, str]:
    """The address of each function that is deployed; `{port}` is its port under `aia serve all --port FIRST`.

    >>> found = endpoints("http://{name}.aia.svc:8080", {"AIA_OTLP_TOKEN": "a/b"})
    >>> found["incident_router"], found["otlp"]
    ('http://incident-router.aia.svc:8080', 'http://bus:a%2Fb@otlp.aia.svc:8080')
    """
    ports = chosen([ALL], stage.deployment()["functions"], first)
    found = {name: template.format(name=service(name), port=port) for name, port in ports.items()}
    given = {name: environ[variable] for name, variable in TOKENS.items() if environ.get(variable)}
    return found | {name: _with(found[name], token) for name, token in given.items()}


def _with(address: str, token: str) -> str:
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=f"bus:{quote(token, safe='')}@{parts.netloc}"))


def service(function: str) -> str:
    """The name of a function's Service, of its Deployment and of its first subscription."""
    return function.replace("_", "-")


def main(arguments: list[str] | None = None) -> int:
    """Make what is missing, change what differs, and end with 1 where something does not answer."""
    parser = argparse.ArgumentParser(prog="python -m infra.container.prepare", description=__doc__)
    parser.add_argument("--endpoint", default=ENDPOINT, help="of a function, with {name} or {port} (%(default)s)")
    parser.add_argument("--port", type=int, default=PORT, help="the first of `aia serve all` (%(default)s)")
    parser.add_argument("--no-tables", action="store_true", help="they are there already")
    options = parser.parse_args(arguments)
    project = os.environ["GOOGLE_CLOUD_PROJECT"]
    try:
        if not options.no_tables:
            create_tables(bigquery.Client(project=project))
        apply_topology(project, stage.deployment(), endpoints(options.endpoint, os.environ, options.port))
    except (GoogleAPICallError, GoogleAuthError, RetryError, OSError) as error:
        print(f"prepare: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
