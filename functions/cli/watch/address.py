"""Addresses of tables, where a file might be."""

from typing import Final

SCHEME: Final = "bq://"
