"""Messages that are parked in the warehouse."""

import base64
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from core.errors import UnavailableError
from functions.adapters.warehouse import BigQueryWarehouse
from functions.runtime.push import Message, letter_id, parking
from infra.local.warehouse.emulator import free_port
from tests.support.servers.served_at import served_at

if TYPE_CHECKING:
    from tests.support.servers.warehouse import Place

pytest_plugins = ["tests.support.servers.warehouse"]
NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def test_a_parked_message_keeps_its_body_and_its_reason(warehouse: BigQueryWarehouse) -> None:
    message = Message(id="7", data=b"{", published_at=NOW, attributes={"b": "2", "a": "1"}, subscription="s", attempt=3)
    parking(warehouse, "drift_score", lambda: NOW)(b"\x00\xff{", "tick: must be JSON", message)
    assert warehouse.query("SELECT * FROM ops.dead_letters") == [
        {
            "id": letter_id("drift_score", b"", "7"),
            "received_at": NOW,
            "function": "drift_score",
            "subscription": "s",
            "message_id": "7",
            "attempt": 3,
            "reason": "tick: must be JSON",
            "body": base64.b64encode(b"\x00\xff{").decode(),
            "attributes": '{"a": "1", "b": "2"}',
        }
    ]


def test_what_is_no_message_at_all_is_parked_too(warehouse: BigQueryWarehouse) -> None:
    parking(warehouse, "api", lambda: NOW)(b"nonsense", "push body: must be a JSON object", None)
    [letter] = warehouse.query("SELECT * FROM ops.dead_letters")
    assert (letter["message_id"], letter["attempt"], letter["attributes"]) == (None, None, None)
    assert base64.b64decode(letter["body"]) == b"nonsense"


def test_a_letter_is_named_by_its_message_or_else_by_its_body() -> None:
    assert letter_id("f", b"first delivery", "7") == letter_id("f", b"second delivery", "7")
    assert (
        len({letter_id("f", b"a", ""), letter_id("f", b"b", ""), letter_id("g", b"a", ""), letter_id("f", b"a", "7")})
        == 4
    )


def test_parking_where_nobody_answers_is_unavailable_so_that_the_message_comes_again(place: "Place") -> None:
    with (
        served_at(place, f"http://127.0.0.1:{free_port()}", patience=0.3) as warehouse,
        pytest.raises(UnavailableError, match="BigQuery does not answer"),
    ):
        parking(warehouse, "f", lambda: NOW)(b"{", "no JSON", None)
