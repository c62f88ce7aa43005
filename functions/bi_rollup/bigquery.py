"""The tables of the business in BigQuery."""

from dataclasses import asdict, fields, is_dataclass
from typing import Any

from core.settings import Business
from functions.adapters.columns import read_columns
from functions.adapters.ports import Warehouse
from functions.bi_rollup.queries import Query, Row
from functions.bi_rollup.statements import outcome_words, statement


class BigQueryTables:
    """The port `Tables` over the warehouse.

    Args:
        warehouse: where the tables are.
        business: the settings, which name the tables of orders, sales and spend.
    """

    def __init__(self, warehouse: Warehouse, business: Business) -> None:
        self._warehouse = warehouse
        self._business = business

    def read(self, query: Query[Row], **parameters: Any) -> list[Row]:  # noqa: ANN401 - as of `Tables`
        """The rows of a query."""
        sql = statement(query.name, self._business)
        rows = self._warehouse.query(sql, **parameters, **outcome_words(query.name, self._business))
        return [query.row(**row) for row in rows]

    def read_columns(self, query: Query[Row], **parameters: Any) -> Row:  # noqa: ANN401 - as of `Tables`
        """All rows of a query in one object of arrays."""
        kinds = {field.name: float for field in fields(query.row)}
        return query.row(**read_columns(self._warehouse, statement(query.name, self._business), kinds, **parameters))

    def write(self, name: str, **parameters: Any) -> None:  # noqa: ANN401 - as of `Tables`
        """Run a statement that writes a table."""
        given = {key: _as_python(value) for key, value in parameters.items()}
        self._warehouse.query(statement(name, self._business), **given, **outcome_words(name, self._business))


def _as_python(value: Any) -> Any:  # noqa: ANN401 - as of `Tables`
    """A parameter with its dataclasses as dictionaries."""
    if isinstance(value, list):
        return [asdict(row) if is_dataclass(row) and not isinstance(row, type) else row for row in value]
    return value
