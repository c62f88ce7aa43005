"""Commands to the API, and what it says of them."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from werkzeug.test import Client, TestResponse

from core.actions.plan import Plan, Step
from core.events import Severity
from core.incidents.model import State
from core.incidents.routing import Silence
from functions.adapters.stores import open_store
from tests.support.builders import pages
from tests.support.builders.pages import ApiFixture, Rows
from tests.support.fakes.clock import START, FakeClock

OPEN, OVER = "service-a-20261123-00000001", "service-b-20261123-00000002"


ACTION = f"{OPEN}:1:rollback_model:model//churn?x=1"


CALLS = [
    (f"/v1/incidents/{OPEN}/acknowledge", {}),
    (f"/v1/actions/{ACTION.replace('?', '%3F')}/approve", {}),
    ("/v1/silences", {"pattern": "model/*", "minutes": 5}),
    ("/v1/silences/end", {"pattern": "table/*"}),
    ("/v1/automation/halt", {"action": "*"}),
]
"""Every command there is, by one of its verbs."""


def tell(client: Client, path: str, **body: Any) -> TestResponse:
    return client.post(path, json={"by": "Ada", **body})


def fault(response: TestResponse) -> str:
    said: str = json.loads(response.data)["detail"]
    return said


def new_clock() -> FakeClock:
    return FakeClock()


def new_office(tmp_path: Path) -> Iterator[ApiFixture]:
    store = open_store(f"sqlite://{tmp_path / 'store.sqlite'}", "test")
    office = ApiFixture(store, obeys=False)
    down = pages.condition("service/a", "down", Severity.ERROR, START, "a is down")
    office.keep(pages.incident(OPEN, [down], START))
    office.keep(pages.incident(OVER, [down], START, state=State.RESOLVED, resolved_at=START))
    asked = replace(pages.request(OPEN, "rollback_model", "model//churn?x=1", START))
    office.case(pages.awaiting(asked, Plan(summary="back", steps=(Step(what="a", before="b", after="c"),)), START))
    office.silence(Silence(pattern="table/*", by="Ada", at=START, until=START + timedelta(hours=1)))
    yield office
    store.close()  # type: ignore[attr-defined]


def new_client(office: ApiFixture, clock: FakeClock) -> Client:
    return pages.application(pages.services(office.store, Rows(), office, clock)).test_client()
