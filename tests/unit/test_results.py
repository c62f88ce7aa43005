"""Results that are kept on disk: found by all it follows from, and never in the way."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from infra.local import results
from infra.local.results import Results, cache_path

KEY = ("translate", "SELECT 1", (("orders", (("price", "DOUBLE"),)),), None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "rewrites.sqlite"


@pytest.fixture
def kept(path: Path) -> Results:
    found = Results(path, "1")
    found.keep("SELECT 1 AS one", *KEY)
    return found


def change(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute(sql)


def test_the_file_is_in_the_cache_folder_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_path("rewrites") == tmp_path / "aia" / "rewrites.sqlite"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_path("rewrites") == tmp_path / ".cache" / "aia" / "rewrites.sqlite"


def test_a_result_is_found_by_another_process_and_by_what_it_follows_from_alone(kept: Results, path: Path) -> None:
    other = Results(path, "1")
    assert (kept.find(*KEY), other.find(*KEY)) == ("SELECT 1 AS one",) * 2
    assert Results(path, "2").find(*KEY) is None
    assert other.find("classify", *KEY[1:]) is None
    assert other.find(*KEY[:2], (("orders", (("price", "DECIMAL"),)),), None) is None
    assert other.find(*KEY[:-1], "somebody") is None


def test_what_is_kept_is_not_made_again_and_what_fails_is(kept: Results) -> None:
    calls: list[str] = []

    def make() -> str:
        calls.append("made")
        if len(calls) == 1:
            raise ValueError("not yet")
        return ""

    with pytest.raises(ValueError, match="not yet"):
        kept.kept("classify", make, "SELECT")
    assert [kept.kept("classify", make, "SELECT") for _ in range(3)] == ["", "", ""]
    assert calls == ["made", "made"]


def test_a_result_that_is_not_as_it_was_written_is_not_found(kept: Results, path: Path) -> None:
    change(path, "UPDATE results SET result = 'SELECT 2 AS one'")
    assert kept.find(*KEY) is None
    assert kept.kept(KEY[0], lambda: "SELECT 1", *KEY[1:]) == "SELECT 1"
    assert kept.find(*KEY) == "SELECT 1"


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\0" + b"\xff" * 4000])
def test_a_file_that_is_no_database_is_replaced(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    Results(path, "1").keep("SELECT 1 AS one", *KEY)
    assert Results(path, "1").find(*KEY) == "SELECT 1 AS one"


def test_without_a_folder_nothing_is_kept_and_everything_is_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    nowhere = Results(tmp_path / "file" / "rewrites.sqlite", "1")
    nowhere.keep("SELECT 1 AS one", *KEY)
    assert nowhere.find(*KEY) is None
    assert nowhere.kept(KEY[0], lambda: "SELECT 1", *KEY[1:]) == "SELECT 1"


def test_a_file_that_another_process_writes_to_is_read_and_not_waited_for(kept: Results, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as busy:
        busy.execute("BEGIN IMMEDIATE")
        assert kept.find(*KEY) == "SELECT 1 AS one"
        kept.keep("INSERT", "classify", "INSERT")
        assert kept.find("classify", "INSERT") is None
    kept.keep("INSERT", "classify", "INSERT")
    assert kept.find("classify", "INSERT") == "INSERT"


def test_a_table_that_is_gone_is_as_if_nothing_was_kept(kept: Results, path: Path) -> None:
    change(path, "DROP TABLE results")
    assert kept.find(*KEY) is None
    assert kept.kept(KEY[0], lambda: "SELECT 1", *KEY[1:]) == "SELECT 1"


def test_the_oldest_results_are_dropped_when_a_file_is_opened(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "MOST", 2)
    first = Results(path, "1")
    for name in ("a", "b", "c", "d"):
        first.keep(name.upper(), name)
    second = Results(path, "1")
    assert [second.find(name) for name in ("a", "b", "c", "d")] == [None, None, "C", "D"]
