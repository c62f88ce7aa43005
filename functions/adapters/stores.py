"""The stores that an address can name.

sqlite:///var/aia/store.db              a file on this machine, shared by many processes
firestore://                            Firestore, the default database of the project
firestore://NAME                        Firestore, another database of the project
postgresql://USER@HOST:PORT/DATABASE    a PostgreSQL server, as libpq reads it, with options and several hosts
"""

from contextlib import closing
from typing import Final

from functions.adapters.ports import ConnectedStore

ADDRESSES: Final = "sqlite:///absolute/path, firestore://[database] or postgresql://user@host:port/database"
"""What an address may be, for messages."""


def require(url: str, project: str) -> None:
    """Ask the store at an address once, whatever it has; one on PostgreSQL makes its tables.

    Args:
        url: as in the environment variable `AIA_STORE`.
        project: the Google Cloud project, for Firestore.

    Raises:
        ValueError: the address names no store.
        UnavailableError: the store does not answer.
    """
    with closing(open_store(url, project)) as store:
        store.get("ledger", "none")


def open_store(url: str, project: str) -> ConnectedStore:
    """The store at an address; it connects at its first use.

    Args:
        url: as in the environment variable `AIA_STORE`.
        project: the Google Cloud project, for Firestore.

    Raises:
        ValueError: the address names no store.
    """
    scheme, separator, rest = url.partition("://")
    if separator and scheme == "sqlite" and len(rest) > 1 and rest.startswith("/"):
        from functions.adapters.sqlite_store import SqliteStore  # noqa: PLC0415 - each costs only those who use it

        return SqliteStore(rest)
    if separator and scheme == "firestore" and "/" not in rest:
        from functions.adapters.firestore_store import FirestoreStore  # noqa: PLC0415 - takes 300 ms to import

        return FirestoreStore(project, database=rest or None)
    if separator and scheme in ("postgresql", "postgres"):
        return _postgresql(url)
    raise ValueError(f"AIA_STORE: must be {ADDRESSES}, got {_shown(url)}")


def _postgresql(url: str) -> ConnectedStore:
    try:
        from functions.adapters.postgresql_store import PostgresqlStore  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        raise ValueError(f"AIA_STORE: PostgreSQL takes the extra `postgresql` of the package: {error}") from error
    return PostgresqlStore(url)


def _shown(url: str) -> str:
    """An address that is none, without what may be a password."""
    scheme, separator, _ = url.partition("://")
    if scheme in ("", "sqlite", "firestore"):
        return repr(url)
    return f"{scheme}://..." if separator and scheme.isalpha() else "a text without a scheme"
