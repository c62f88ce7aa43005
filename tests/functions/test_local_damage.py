"""Broken files and folders that cannot be used: found before anything starts, and told in clear lines."""

import errno
import json
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from infra.local import damage, run
from infra.local.damage import INBOX, MARKER, PUBSUB, STORE, WAREHOUSE, check
from infra.local.past.plan import reached_name
from infra.local.replay.replay import MarkerError, Replay
from infra.local.run import locked
from tests.support.servers.stack import aia

MARKER_TEXT = b'{"anchor":"2026-01-01","published_until":"2026-01-01T00:00:00Z","began":"2025-12-01T00:00:00Z"}'
SQLITE = (PUBSUB, STORE, INBOX)


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of a stack that has run, all whole."""
    folder = tmp_path_factory.mktemp("whole") / "data"
    (folder / "warehouse").mkdir(parents=True)
    for name in SQLITE:
        with closing(sqlite3.connect(folder / name)) as database, database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("CREATE TABLE documents (collection TEXT, key TEXT, data TEXT)")
            rows = [("backfills", "history", "{}"), *(("incidents", str(n), "x" * 500) for n in range(500))]
            database.executemany("INSERT INTO documents VALUES (?, ?, ?)", rows)
    with duckdb.connect(str(folder / WAREHOUSE)) as warehouse:
        warehouse.execute("CREATE TABLE rows AS SELECT range AS i, random() AS r FROM range(100000)")
    (folder / MARKER).write_bytes(MARKER_TEXT)
    assert check(folder) == []
    return folder


@pytest.fixture
def data(whole: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(whole, tmp_path / "data")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def overwrite(path: Path, *, at: int, size: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\x55" * size)


def found(folder: Path) -> dict[str, str]:
    return {one.name: one.why for one in check(folder)}


@pytest.mark.parametrize("name", SQLITE)
def test_a_broken_sqlite_file_is_found(data: Path, name: str) -> None:
    (data / WAREHOUSE).unlink()  # a program of its own looks at it each time
    whole = (data / name).read_bytes()
    cut(data / name)
    assert found(data) == {name: "is not a database (database disk image is malformed)"}
    (data / name).write_bytes(whole)
    overwrite(data / name, at=0, size=100)
    assert found(data) == {name: "is not a database (file is not a database)"}
    (data / name).write_bytes(whole)
    overwrite(data / name, at=2 * 4096, size=4096)
    assert found(data)[name].startswith("is damaged (")
    (data / name).write_bytes(b"")
    assert found(data) == {}, "as a stack leaves it that was killed before anything was in"
    (data / reached_name("model")).write_bytes(b"{}")
    assert found(data) == {name: "is empty"}
    (data / name).unlink()
    assert found(data) == {}
    (data / name).mkdir()
    assert found(data) == {name: "must be a file, got a folder"}


def test_a_sqlite_file_that_somebody_has_locked_is_not_broken(data: Path) -> None:
    with closing(sqlite3.connect(data / STORE, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        assert found(data) == {}
        other.execute("ROLLBACK")


@pytest.mark.parametrize("at", [0, 4096])
def test_a_broken_warehouse_is_found(data: Path, at: int) -> None:
    overwrite(data / WAREHOUSE, at=at, size=2 * 4096)
    assert found(data)[WAREHOUSE].startswith("is not a database (" if at == 0 else "is damaged (")


def test_a_warehouse_that_is_cut_off_is_found(data: Path) -> None:
    cut(data / WAREHOUSE)
    assert found(data)[WAREHOUSE].startswith("is damaged (")


def test_files_of_a_stack_killed_in_its_first_moment_are_no_damage(tmp_path: Path) -> None:
    (tmp_path / "warehouse").mkdir()
    for name in (*SQLITE, WAREHOUSE):
        (tmp_path / name).touch()
    assert found(tmp_path) == {}
    assert not (tmp_path / WAREHOUSE).exists()


def test_a_stack_that_was_killed_leaves_nothing_broken(data: Path) -> None:
    warehouse = duckdb.connect(str(data / WAREHOUSE))
    warehouse.execute("INSERT INTO rows SELECT range, 1 FROM range(1000)")
    log = (data / f"{WAREHOUSE}.wal").read_bytes()
    warehouse.close()
    (data / f"{WAREHOUSE}.wal").write_bytes(log[: len(log) // 2])
    with closing(sqlite3.connect(data / STORE)) as store, store:
        store.execute("DELETE FROM documents WHERE key = '1'")
        log = (data / f"{STORE}-wal").read_bytes()
    (data / f"{STORE}-wal").write_bytes(log[: len(log) - 10])
    assert found(data) == {}


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"anchor": "soon"}', b"\xff", MARKER_TEXT[:-5]])
def test_a_broken_marker_is_found_and_never_taken_for_none(data: Path, content: bytes) -> None:
    (data / WAREHOUSE).unlink()  # as above
    (data / MARKER).write_bytes(content)
    [(name, why)] = found(data).items()
    assert (name, why.partition(" (")[0]) == (MARKER, "holds no marker of the replay")
    with pytest.raises(MarkerError, match=f"{data / MARKER}: holds no marker of the replay .*--set-aside"):
        Replay.resume(Path("flights"), data, None)  # type: ignore[arg-type] # it ends before that


# what people are told


@pytest.mark.parametrize("name", [*SQLITE, MARKER, WAREHOUSE])
def test_a_broken_file_ends_the_start_and_is_named_with_what_to_do(
    data: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / name).write_bytes(b"[/nonsense]" * 100)
    assert run.run(data, 1) == 1
    out, err = capsys.readouterr()
    fault, way_out = err.splitlines()
    assert fault.startswith(f"aia local: {data / name}: ")
    assert way_out.startswith(f"`aia local --data {data} --set-aside` moves ")
    assert out == ""
    assert not (data / "logs").exists()


def test_all_faults_are_told_at_once_and_without_a_traceback(data: Path) -> None:
    for name in (*SQLITE, MARKER, WAREHOUSE):
        (data / name).write_bytes(b"nonsense" * 100)
    (data / "programs.json").touch()
    done = aia("local", "--data", str(data))
    assert done.returncode == 1
    assert [line.partition(": ")[0] for line in done.stderr.splitlines()[:-1]] == [
        f"WARNING {data / 'programs.json'}",
        "aia local",
        *(str(data / name) for name in (STORE, INBOX, MARKER, WAREHOUSE)),
    ]
    assert "Traceback" not in done.stderr


def set_aside(data: Path, capsys: pytest.CaptureFixture[str]) -> tuple[set[str], str]:
    """Names of the files that were set aside, and what was said."""
    with locked(data, set_aside=True):
        assert check(data) == []
    with locked(data):  # it is whole from now on
        [beside] = data.glob("set-aside-*")
    return {str(path.relative_to(beside)) for path in beside.rglob("*") if path.is_file()}, capsys.readouterr().out


def history_is_known(data: Path) -> bool:
    with closing(sqlite3.connect(data / STORE)) as store:
        return bool(store.execute("SELECT 1 FROM documents WHERE collection = 'backfills'").fetchall())


@pytest.mark.parametrize("name", [PUBSUB, INBOX])
def test_a_queue_and_an_inbox_are_set_aside_alone(data: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    overwrite(data / name, at=0, size=100)
    (data / f"{name}-wal").touch()
    moved, said = set_aside(data, capsys)
    assert moved == {name, f"{name}-wal"}
    assert "history" not in said
    assert history_is_known(data)


@pytest.mark.parametrize("name", [WAREHOUSE, MARKER])
def test_the_warehouse_and_the_marker_are_set_aside_together_and_the_history_comes_again(
    data: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    overwrite(data / name, at=0, size=20)
    moved, said = set_aside(data, capsys)
    assert moved == {WAREHOUSE, MARKER}
    assert "the history is computed again" in said
    assert not history_is_known(data)
    with closing(sqlite3.connect(data / STORE)) as store:
        assert store.execute("SELECT count(*) FROM documents WHERE collection = 'incidents'").fetchone() == (500,)


def test_the_history_comes_again_for_a_new_warehouse_also_where_there_is_no_marker(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / MARKER).unlink()
    overwrite(data / WAREHOUSE, at=0, size=20)
    assert set_aside(data, capsys)[0] == {WAREHOUSE}
    assert not history_is_known(data)


def test_with_the_store_what_refers_to_it_is_set_aside(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    overwrite(data / STORE, at=0, size=20)
    moved, said = set_aside(data, capsys)
    assert moved == {STORE, WAREHOUSE, MARKER}
    assert "the history is computed again; incidents so far are in the file set aside" in said


@pytest.mark.parametrize("broken", [(STORE, MARKER), (WAREHOUSE,), (MARKER,), (WAREHOUSE, MARKER)])
@pytest.mark.parametrize("moves", [1, 2])
def test_setting_aside_that_breaks_off_is_found_and_done_again(
    data: Path, broken: tuple[str, ...], moves: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in broken:
        overwrite(data / name, at=0, size=20)
    move, done = damage._move, []

    def breaking(folder: Path, name: str, beside: Path) -> None:
        if len(done) == moves:
            raise KeyboardInterrupt
        done.append(name)
        move(folder, name, beside)

    monkeypatch.setattr(damage, "_move", breaking)
    try:
        with locked(data, set_aside=True):
            return  # it was done before it could break off
    except KeyboardInterrupt:
        assert check(data)
    monkeypatch.setattr(damage, "_move", move)
    next(data.glob("set-aside-*")).rename(data / "first")
    with locked(data, set_aside=True):
        left = {name for name in (STORE, WAREHOUSE, MARKER) if (data / name).exists()}
    assert left == ({STORE} if STORE not in broken else set())


def test_nothing_is_set_aside_when_nothing_is_broken(data: Path) -> None:
    before = sorted(data.rglob("*"))
    with locked(data, set_aside=True):
        assert set(before) == set(data.rglob("*")) - {data / "lock"}


# folders


def refusal(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert run.run(folder, 1) == 1
    [line] = capsys.readouterr().err.splitlines()
    return line.removeprefix("aia local: ")


def test_a_folder_that_cannot_be_used_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.touch()
    assert refusal(file, capsys) == f"{file}: must be a folder, got a file; give another --data"
    assert refusal(file / "below", capsys) == f"{file / 'below'}: Not a directory; give another --data"
    (tmp_path / "held" / "lock").mkdir(parents=True)
    assert refusal(tmp_path / "held", capsys) == f"{tmp_path / 'held' / 'lock'}: Is a directory; give another --data"


@pytest.mark.skipif(not Path("/sys/kernel").exists(), reason="needs a folder that not even root may write to")
def test_a_folder_that_cannot_be_written_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    refused = refusal(Path("/sys/kernel/aia"), capsys)
    assert refused.startswith("/sys/kernel/aia: ")
    assert refused.endswith("; give another --data")
    assert refusal(Path("/sys/kernel"), capsys).startswith("/sys/kernel/lock: ")


def test_a_full_device_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run.shutil, "disk_usage", lambda _: run.shutil._ntuple_diskusage(2**30, 2**30, 5 * 2**20))  # type: ignore[attr-defined] # the type of its answer
    assert (
        refusal(tmp_path, capsys) == f"{tmp_path}: must have 100 MB free, got 5 MB; make space, or give another --data"
    )


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/x/[y]"), "/x/[y]: No space left on device"),
        (OSError(errno.EROFS, "Read-only file system"), "{folder}: Read-only file system"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), "[Errno 111] Connection refused"),
    ],
)
def test_whatever_the_system_refuses_is_one_line(
    tmp_path: Path, error: OSError, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(run, "assign", refuse)
    assert refusal(tmp_path, capsys) == told.format(folder=tmp_path)


def test_the_marker_is_written_whole_or_not_at_all(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from infra.local import files  # noqa: PLC0415 - only here

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device") as error:
        files.write(data / MARKER, b"half")
    assert error.value.filename == str(data / MARKER)
    assert json.loads((data / MARKER).read_bytes())
    assert not list(data.glob("*.part"))
