"""BigQuery for tests: one emulator and one project a session, with every table, empty when a test begins.

The project stays the same because the emulator keeps what a statement becomes, and its tables are a part of that.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from google.cloud import bigquery

from core.errors import UnavailableError
from functions.adapters.warehouse import BigQueryWarehouse
from infra.local.warehouse import Emulator, read_definitions, read_views, write_credentials
from infra.local.warehouse.tables import create_tables

PROJECT = "test"
_TABLES = frozenset(definition.id for definition in read_definitions())
_THERE = _TABLES | {view.id for view in read_views()}
_FILLED = " UNION ALL ".join(f"(SELECT '{table}' FROM {table} LIMIT 1)" for table in sorted(_TABLES))
"""The tables that have rows."""


@dataclass(frozen=True)
class Place:
    """A running emulator, and what a process needs in its environment to speak to it."""

    emulator: Emulator
    environment: dict[str, str]

    def client(self, project: str) -> bigquery.Client:
        """BigQuery's own client, found by the environment as a function finds it."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in (self.environment | {"GOOGLE_CLOUD_PROJECT": project}).items():
                patch.setenv(name, value)
            client = bigquery.Client(project=project)
        client._http.trust_env = (
            False  # looking for proxies in the environment takes longer than an answer of the emulator
        )
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
def client(_shared_client: bigquery.Client) -> bigquery.Client:
    """A client of a project with all tables, empty, and nothing else."""
    _empty(_shared_client)
    return _shared_client


def _empty(client: bigquery.Client) -> None:
    """Leave no row and no table of another test."""
    for dataset in client.list_datasets():
        for table in client.list_tables(dataset.reference):
            if f"{table.dataset_id}.{table.table_id}" not in _THERE:
                client.delete_table(table.reference)
    for [table] in client.query_and_wait(_FILLED):
        client.query_and_wait(f"DELETE FROM {table} WHERE TRUE")


@pytest.fixture
def warehouse(client: bigquery.Client) -> BigQueryWarehouse:
    return BigQueryWarehouse(client, patience=2.0)
