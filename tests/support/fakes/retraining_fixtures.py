"""The function retrain over a Vertex AI that is served here; a pytest plugin."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.support.servers.vertex import VertexPipelines

if TYPE_CHECKING:
    from flask.testing import FlaskClient
from tests.support.fakes.retraining import Deployed


@pytest.fixture
def server() -> Iterator[VertexPipelines]:
    running = VertexPipelines()
    yield running
    running.stop()


@pytest.fixture
def deployed(framework: "FlaskClient", server: VertexPipelines) -> Deployed:
    return Deployed(framework, server)
