"""A model whose log has ended is shown as of its end, and is not overdue; and the API says where its deployment is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.settings import Settings
from functions.api.deployment import deployment
from functions.api.freshness import Start
from functions.api.parameters import Range
from functions.api.views import Views
from functions.services.models import Models
from tests.support.builders import model_pages
from tests.support.builders.pages import MODEL, Rows
from tests.support.crash.breaking import Breaking, MemoryStore

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
END = datetime(2024, 5, 30, tzinfo=UTC)


def views(rows: Rows, *, ended: bool) -> Views:
    models = (replace(MODEL, until=END.date() if ended else None), replace(MODEL, name="live"))
    start = Start(at=NOW - timedelta(days=2), clock=lambda: NOW)
    monitored = Models(models, rows, lambda: NOW)
    settings = Settings(jobs={"drift_score": "*/15 * * * *"}, models=models)
    return Views(
        settings=settings, monitored=monitored, store=MemoryStore(Breaking(now=NOW)), warehouse=rows, start=start
    )


@pytest.mark.parametrize("ended", [True, False])
def test_only_a_log_that_goes_on_is_overdue(*, ended: bool) -> None:
    rows = Rows(**model_pages.answers(END))
    rows.answers.pop("DATE")
    found = views(rows, ended=ended).one(MODEL.name)
    assert (found["window_end"], found["overdue"], found["until"]) == (END, not ended, END.date() if ended else None)


def test_its_rows_are_read_as_of_its_end() -> None:
    rows = Rows()
    shown = views(rows, ended=True)
    assert (shown.end(MODEL.name), shown.end("live")) == (END, NOW)
    shown.models()
    asked = {
        given["models"][0]: given["since"] for sql, given in rows.asked if "models" in given and "drift_scores" in sql
    }
    assert asked == {MODEL.name: END - timedelta(days=35), "live": NOW - timedelta(days=35)}
    shown.drift(MODEL.name, Range(None, None, timedelta(days=30)))
    assert rows.asked[-1][1]["since"] == END - timedelta(days=30)


def test_only_on_one_machine_the_environment_of_a_client_is_told() -> None:
    given = {
        "GOOGLE_CLOUD_PROJECT": "shop",
        "PUBSUB_EMULATOR_HOST": "127.0.0.1:1",
        "GOOGLE_APPLICATION_CREDENTIALS": "key.json",
    }
    assert deployment(given) == {"project": "shop", "emulators": {}}
    local = deployment(given | {"BIGQUERY_EMULATOR_HOST": "http://127.0.0.1:2", "SECRET": "x"})
    assert local["emulators"] == {
        "BIGQUERY_EMULATOR_HOST": "http://127.0.0.1:2",
        "PUBSUB_EMULATOR_HOST": "127.0.0.1:1",
        "GOOGLE_APPLICATION_CREDENTIALS": "key.json",
    }
