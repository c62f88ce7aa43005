"""A PostgreSQL server for tests, in a folder of its own, and a standby of it."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import trustme

from tests.support.servers.targets import free_port

USER, PASSWORD = "monitor", "T0PS3CR3T"
ADMIN = "admin"
PATIENCE = 30.0
_CONFIGURATION = """
listen_addresses = '127.0.0.1'
unix_socket_directories = '{folder}'
fsync = off
max_connections = 20
shared_buffers = 4MB
max_wal_senders = 2
wal_keep_size = 16MB
autovacuum = off
"""
_ACCESS = f"""
local all {ADMIN} trust
hostssl all {USER} 127.0.0.1/32 scram-sha-256
host all {ADMIN} 127.0.0.1/32 trust
host replication {ADMIN} 127.0.0.1/32 trust
host all plain 127.0.0.1/32 trust
"""


def programs() -> Path:
    """The folder of the server's programs, which Debian does not have on PATH; skips where there is none."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    found = shutil.which("pg_basebackup", path=os.pathsep.join([*map(str, reversed(debian)), os.environ["PATH"]]))
    if found is None:
        pytest.skip("postgresql is absent: `make test` installs it")
    return Path(found).parent


@dataclass
class Database:
    """A running server.

    Attributes:
        folder: of its data.
        port: on 127.0.0.1.
        process: which runs it, once it is started.
    """

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        command = _command(programs() / "postgres", "-D", self.folder, "-p", self.port)
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        _await(self)

    def stop(self) -> None:
        """End it and its connections at once, as a crash does: nothing can delay it, and nothing is written any more."""
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(timeout=PATIENCE)

    def execute(self, *statements: str) -> None:
        """Run statements, each by itself, as the superuser."""
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def follow(self, primary: "Database") -> None:
        """Wait until a standby has all that its primary has written."""
        with psycopg.connect(primary.conninfo) as connection:
            ((written,),) = connection.execute("SELECT pg_current_wal_flush_lsn()").fetchall()
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            end = time.monotonic() + PATIENCE
            while not connection.execute("SELECT pg_last_wal_replay_lsn() >= %s", [written]).fetchall()[0][0]:
                assert time.monotonic() < end
                time.sleep(0.02)

    @property
    def conninfo(self) -> str:
        return f"host=127.0.0.1 port={self.port} user={ADMIN} dbname=postgres sslmode=disable"


@contextmanager
def database(folder: Path, certificate: trustme.LeafCert | None = None) -> Iterator[Database]:
    """A server on a free port, with users `USER` (by password, over TLS) and `plain`; it ends with the block.

    Args:
        folder: a new one, which the server's account may write to.
        certificate: of the server, for TLS.
    """
    _as_postgres(
        programs() / "initdb", "-D", folder, "-U", ADMIN, "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"
    )
    tls = (
        f"ssl = on\nssl_cert_file = '{folder}/server.pem'\nssl_key_file = '{folder}/server.pem'\n"
        if certificate
        else ""
    )
    if certificate:
        _write_certificate(folder / "server.pem", certificate)
    with (folder / "postgresql.conf").open("a") as file:
        file.write(_CONFIGURATION.format(folder=folder) + tls)
    (folder / "pg_hba.conf").write_text(_ACCESS)
    with _running(folder) as server:
        server.execute(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'", "CREATE ROLE plain LOGIN")
        yield server


def _write_certificate(path: Path, certificate: trustme.LeafCert) -> None:
    certificate.private_key_and_cert_chain_pem.write_to_path(str(path))
    path.chmod(0o600)
    if os.geteuid() == 0:
        shutil.chown(path, "postgres", "postgres")


@contextmanager
def owned_folder() -> Iterator[Path]:
    """A new folder that the server's account can reach and owns, as it cannot those of pytest; the folder ends with the block."""
    with tempfile.TemporaryDirectory(prefix="aia-postgresql-") as name:
        if os.geteuid() == 0:
            shutil.chown(name, "postgres", "postgres")
        yield Path(name)


@contextmanager
def standby(primary: Database, folder: Path) -> Iterator[Database]:
    """A standby that follows a server."""
    backup = ("-D", folder, "-h", "127.0.0.1", "-p", primary.port, "-U", ADMIN, "-R", "-X", "stream", "--no-sync")
    _as_postgres(programs() / "pg_basebackup", *backup, "-c", "fast")
    with (folder / "postgresql.conf").open("a") as file:
        file.write(f"unix_socket_directories = '{folder}'\n")
    with _running(folder) as server:
        yield server


@contextmanager
def _running(folder: Path) -> Iterator[Database]:
    server = Database(folder, free_port())
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _await(server: Database) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            psycopg.connect(server.conninfo).close()
        except psycopg.OperationalError:
            assert server.process is not None
            assert server.process.poll() is None, (server.folder / "server.log").read_text()
            assert time.monotonic() < end
            time.sleep(0.05)
        else:
            return


def _command(*command: object) -> list[str]:
    """The command, as an account that the server accepts: it refuses root."""
    plain = [str(part) for part in command]
    return (
        ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups", "--", *plain]
        if os.geteuid() == 0
        else plain
    )


def _as_postgres(*command: object) -> None:
    done = subprocess.run(_command(*command), capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr
