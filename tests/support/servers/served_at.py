"""A warehouse whose client looks for BigQuery at another address."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import requests
from google.cloud import bigquery

from functions.adapters.warehouse import BigQueryWarehouse

if TYPE_CHECKING:
    from tests.support.servers.warehouse import Place


@contextmanager
def served_at(
    place: "Place", url: str, *, patience: float, request_timeout: float = 5.0, function: str = ""
) -> Iterator[BigQueryWarehouse]:
    """A warehouse that looks for BigQuery at another address."""
    elsewhere = replace(place, environment=place.environment | {"BIGQUERY_EMULATOR_HOST": url})
    with closing(elsewhere.client("test")) as client:
        yield BigQueryWarehouse(client, patience=patience, request_timeout=request_timeout, function=function)


class NoClient(bigquery.Client):
    """A client whose connection is gone."""

    def __init__(self) -> None:
        pass

    def query(self, *_: Any, **__: Any) -> Any:
        raise requests.ConnectionError("connection refused")
