"""Probes of journeys against a real server: what one request answers goes into the next."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from core.health import ProbeReason
from core.settings import parse
from core.settings.probes import JourneyProbe
from functions.adapters.probes import journey

if TYPE_CHECKING:
    from tests.support.servers.targets import Handler, Web

pytest_plugins = ["tests.support.servers.target_fixtures"]
SHORT = timedelta(seconds=0.5)


def journey_of(web: "Web", *steps: dict[str, Any], **changes: Any) -> JourneyProbe:
    base = web.url("").rstrip("/")
    spelt = [{**step, "url": base + step["url"]} for step in steps]
    probe = {
        "name": "order",
        "kind": "journey",
        "every": "1m",
        "steps": spelt,
        "allowed_networks": "127.0.0.0/8,::1/128",
    }
    [read] = parse({"version": 1, "jobs": {}, "probes": [probe]}).probes
    assert isinstance(read, JourneyProbe)
    return replace(read, **changes)


def test_journey_what_one_step_answers_goes_into_the_next(web: "Web") -> None:
    seen: list[Any] = []

    def order(handler: "Handler") -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        seen.append((handler.headers["Authorization"], json.loads(body)))
        handler.reply(201, b'{"order": {"ids": [7]}, "state": "open"}')

    web.posts["/login"] = lambda handler: handler.reply(200, b'{"token": "hush/../hush"}')
    web.posts["/orders"] = order
    web.routes["/orders/7"] = lambda handler: handler.reply(200, b'{"state": "open", "paid": false}')
    probe = journey_of(
        web,
        {"method": "POST", "url": "/login", "json": {"user": "probe"}, "capture": {"token": "token"}},
        {
            "method": "POST",
            "url": "/orders",
            "headers": {"Authorization": "Bearer {{token}}"},
            "json": {"items": [{"by": "{{token}}"}]},
            "expect": {"status": 201, "json": {"state": "open"}},
            "capture": {"order": "order.ids.0"},
        },
        {"url": "/orders/{{order}}", "expect": {"body": "open", "json": {"paid": False}}},
    )
    result = journey.check(probe)
    assert (result.ok, result.detail) == (True, "3 steps")
    assert seen == [("Bearer hush/../hush", {"items": [{"by": "hush/../hush"}]})]
    assert "hush" not in repr(result)


def test_journey_a_captured_value_stays_one_part_of_the_path(web: "Web") -> None:
    web.routes["/id"] = lambda handler: handler.reply(200, b'{"id": "../admin?x=1"}')
    web.routes["/of/..%2Fadmin%3Fx%3D1"] = lambda handler: handler.reply(200)
    assert journey.check(journey_of(web, {"url": "/id", "capture": {"id": "id"}}, {"url": "/of/{{id}}"})).ok


@pytest.mark.parametrize(
    ("second", "detail"),
    [
        ({"expect": {"status": 204}}, "status: must be 204, got 200"),
        ({"expect": {"json": {"state": "open"}}}, "state: must be 'open', got another str"),
        ({"expect": {"json": {"n": True}}}, "n: must be True, got another int"),
        ({"expect": {"json": {"none": 1}}}, "none: must be 1, got nothing"),
        ({"capture": {"id": "list"}}, "list: must be a text or a number, to capture id"),
    ],
)
def test_journey_a_step_that_fails_is_named_and_ends_it(web: "Web", second: dict[str, Any], detail: str) -> None:
    web.routes["/state"] = lambda handler: handler.reply(200, b'{"state": "hush", "n": 1, "list": []}')
    result = journey.check(journey_of(web, {"url": "/"}, {"url": "/state", **second}, {"url": "/"}))
    assert result.detail == f"step 2 of 3: {detail}"
    assert len(web.asked) == 2


def test_journey_what_is_no_json_and_what_hangs_is_told(web: "Web") -> None:
    web.routes["/text"] = lambda handler: handler.reply(200, b"fine")
    assert journey.check(journey_of(web, {"url": "/text", "capture": {"a": "b"}})).reason is ProbeReason.WRONG_BODY
    web.routes["/hang"] = lambda handler: handler.hang()
    slow = journey.check(journey_of(web, {"url": "/"}, {"url": "/hang"}, timeout=SHORT))
    assert (slow.reason, slow.detail.startswith("step 2 of 2: timeout")) == (ProbeReason.TIMEOUT, True)
