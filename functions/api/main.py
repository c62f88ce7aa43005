"""The read-only API and the page it serves: models with their drift, incidents with their timelines, probes.

Behind IAM on Google Cloud. Nothing here writes; every answer is JSON but the page and its parts.
"""

import functools
import os

import flask
import functions_framework

from functions.adapters import config, logs
from functions.adapters.store import open_store
from functions.adapters.warehouse import open_warehouse
from functions.api.routes import answer
from functions.api.views import Views


@functools.cache
def deps() -> Views:
    """What the routes need, built when the first request comes."""
    logs.setup()
    project = os.environ["GOOGLE_CLOUD_PROJECT"]
    return Views(
        settings=config.load(),
        store=open_store(os.environ["AIA_STORE"], project),
        warehouse=open_warehouse(project),
    )


@functions_framework.http
def main(request: flask.Request) -> flask.Response:
    """Answer one request."""
    return answer(request, deps)
