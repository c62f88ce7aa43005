"""BigQuery for tests: one emulator and one project a session, with every table, empty when a test begins.

The project stays the same because the emulator keeps what a statement becomes, and its tables are a part of that.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from google.cloud import bigquery

from core.errors import UnavailableError
from functions.adapters.warehouse import BigQueryWarehouse
from infra.local.warehouse import Emulator, write_credentials
from infra.local.warehouse.tables import create_tables
from tests.support.servers.emptying import empty_tables
from tests.support.servers.writes import Writes

PROJECT = "test"


@dataclass(frozen=True)
class Place:
    """A running emulator, and what a process needs in its environment to speak to it.

    Attributes:
        writes: what clients have written since the tables were emptied.
    """

    emulator: Emulator
    environment: dict[str, str]
    writes: Writes = field(default_factory=Writes)

    def client(self, project: str) -> bigquery.Client:
        """BigQuery's own client, found by the environment as a function finds it."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in (self.environment | {"GOOGLE_CLOUD_PROJECT": project}).items():
                patch.setenv(name, value)
            client = bigquery.Client(project=project)
        client._http.trust_env = (
            False  # looking for proxies in the environment takes longer than an answer of the emulator
        )
        client._http.mount("http://", self.writes)
        return client


@pytest.fixture(scope="session")
def place_at(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Emulator], Place]:
    credentials = write_credentials(tmp_path_factory.mktemp("credentials") / "account.json")

    def place(emulator: Emulator) -> Place:
        return Place(
            emulator,
            {"BIGQUERY_EMULATOR_HOST": emulator.url, "GOOGLE_APPLICATION_CREDENTIALS": str(credentials)},
        )

    return place


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory, place_at: Callable[[Emulator], Place]) -> Iterator[Place]:
    """The session's emulator: for every test that does not stop it."""
    with Emulator(data=tmp_path_factory.mktemp("warehouse")) as emulator:
        yield place_at(emulator)


@pytest.fixture(scope="module")
def _own_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(data=tmp_path_factory.mktemp("own")) as emulator:
        yield emulator


@pytest.fixture
def own_place(_own_emulator: Emulator, place_at: Callable[[Emulator], Place]) -> Place:
    """An emulator of the module's own, to be stopped and started again; a test may leave it stopped."""
    try:
        _own_emulator.wait(0)
    except UnavailableError:
        _own_emulator.start()
    return place_at(_own_emulator)


@pytest.fixture(scope="session")
def _shared_client(place: Place) -> Iterator[bigquery.Client]:
    client = place.client(PROJECT)
    create_tables(client)
    yield client
    client.close()


@pytest.fixture
def client(_shared_client: bigquery.Client, place: Place) -> bigquery.Client:
    """A client of a project with all tables, empty, and nothing else."""
    empty_tables(_shared_client, place.writes)
    return _shared_client


@pytest.fixture
def warehouse(client: bigquery.Client) -> BigQueryWarehouse:
    return BigQueryWarehouse(client, patience=2.0)
