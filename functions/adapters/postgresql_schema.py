"""The tables of the store on PostgreSQL: made with the first connection, and brought up to date by later versions.

They are in the first schema of the connection's `search_path`, as in `postgresql://...?options=-csearch_path%3Dmonitoring`. Of programs that
start at the same time one makes them, and the others wait for it. The role needs the right to create only until they are there.
"""

from typing import Any

import psycopg

from core.errors import UnavailableError

_STEPS = (
    """
    CREATE TABLE aia_schema (version integer NOT NULL);
    INSERT INTO aia_schema VALUES (1);
    CREATE TABLE aia_documents (
      collection text COLLATE "C" NOT NULL,
      key text COLLATE "C" NOT NULL,
      revision text NOT NULL,
      data json NOT NULL,
      fields jsonb NOT NULL,
      due_at timestamptz,
      PRIMARY KEY (collection, key)
    );
    CREATE INDEX aia_documents_fields ON aia_documents USING gin (fields jsonb_path_ops);
    CREATE INDEX aia_documents_due ON aia_documents (collection, due_at, key) WHERE due_at IS NOT NULL;
    """,
)
"""What makes each version of the tables out of the one before, and writes its number; a step that was released is not changed."""
_LOCK = 0x616961
"""Of those that make the tables, among PostgreSQL's advisory locks."""
_STATE = "SELECT to_regclass('aia_schema') IS NOT NULL, current_setting('server_encoding')"


def prepare(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Make the tables as this program knows them, where they are not.

    Raises:
        UnavailableError: the tables are of a newer program, or the database cannot keep every text.
        psycopg.Error: the server does not answer, or the role may not create tables.
    """
    if _version(connection) == len(_STEPS):
        return
    # Before the transaction: one that had begun would not see what another made meanwhile. The end of the connection frees it as well.
    connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
    with connection.transaction():
        for step in _STEPS[_version(connection) :]:
            connection.execute(step)
    connection.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def _version(connection: psycopg.Connection[tuple[Any, ...]]) -> int:
    """Of the tables that are there; 0 where there are none."""
    ((exists, encoding),) = connection.execute(_STATE).fetchall()
    if encoding != "UTF8":
        raise UnavailableError(f"AIA_STORE: the encoding of the database must be UTF8, got {encoding}")
    version: int = connection.execute("SELECT max(version) FROM aia_schema").fetchall()[0][0] if exists else 0
    if version > len(_STEPS):
        raise UnavailableError(
            f"AIA_STORE: the tables must have at most version {len(_STEPS)}, got {version}: a newer program made them"
        )
    return version
