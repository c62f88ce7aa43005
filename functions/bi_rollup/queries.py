"""The port to the tables of the business: a statement by name, and for queries the type of a row."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Row = TypeVar("Row", bound="DataclassInstance")


@dataclass(frozen=True, slots=True)
class Query(Generic[Row]):
    """A query.

    Attributes:
        name: of its file `NAME.sql` in this folder.
        row: the type of a row: a dataclass whose fields are the columns.
    """

    name: str
    row: type[Row]


class Tables(Protocol):
    """Runs statements with their parameters; instants delimit a period that excludes its end, unless the SQL says otherwise.

    Every method raises `QueryError` when the statement is refused, and `UnavailableError` when the warehouse does not
    answer.
    """

    def read(self, query: Query[Row], **parameters: Any) -> list[Row]:  # noqa: ANN401 - a parameter is any JSON value
        """The rows of a query."""
        ...

    def read_columns(self, query: Query[Row], **parameters: Any) -> Row:  # noqa: ANN401 - as above
        """All rows of a query in one object, whose fields are float arrays with NaN for NULL."""
        ...

    def write(self, name: str, **parameters: Any) -> None:  # noqa: ANN401 - as above
        """Run the statement `NAME.sql`, which writes a table; rows to write are lists of dataclasses."""
        ...
