"""The API with two incidents that people answer; a pytest plugin."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from werkzeug.test import Client

from core.actions.plan import Plan, Step
from core.events import Severity
from core.incidents.model import State
from core.incidents.routing import Silence
from functions.adapters.stores import open_store
from tests.support.builders import pages
from tests.support.builders.commands import OPEN, OVER
from tests.support.builders.pages import ApiFixture, Rows
from tests.support.fakes.clock import START, FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[ApiFixture]:
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


@pytest.fixture
def client(office: ApiFixture, clock: FakeClock) -> Client:
    return pages.application(pages.services(office.store, Rows(), office, clock)).test_client()
