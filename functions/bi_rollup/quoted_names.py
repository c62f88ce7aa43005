"""The names of tables and columns from the settings, quoted, so that a column may be called `order` or `group`.

The settings validate these names; values are parameters.
"""

from dataclasses import fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def quoted(path: str) -> str:
    """A table or a column, quoted.

    >>> quoted("telemetry.orders")
    '`telemetry`.`orders`'
    """
    return ".".join(f"`{part}`" for part in path.split("."))


def quoted_names(section: "DataclassInstance") -> dict[str, str]:
    """The table and columns of a section of the settings, by key."""
    values = {field.name: getattr(section, field.name) for field in fields(section)}
    return {name: quoted(value) for name, value in values.items() if isinstance(value, str)}
