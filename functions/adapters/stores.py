"""The stores that an address can name.

sqlite:///var/aia/store.db      a file on this machine, shared by many processes
firestore://                    Firestore, the default database of the project
firestore://NAME                Firestore, another database of the project
"""

from functions.adapters.ports import ListedStore


def open_store(url: str, project: str) -> ListedStore:
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
    raise ValueError(f"AIA_STORE: must be sqlite:///absolute/path or firestore://[database], got {url!r}")
