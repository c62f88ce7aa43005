"""What the replayed year shows first: the drift of its last day, at every hour of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml

from core.drift import hour_of_week, score
from core.settings import Model
from core.settings.types import parse_model
from functions.drift_score.baseline import Baseline, learn
from functions.drift_score.statements import SECOND
from functions.drift_score.window import Window, thresholds
from infra import stage
from infra.local.replay.flights import CATEGORICAL, FLIGHTS, NUMERIC, TRAINED_FROM, TRAINED_UNTIL, Flights, minutes
from infra.local.replay.scores import probabilities

LAST_DAY = datetime(2013, 12, 24, tzinfo=UTC)


@pytest.fixture(scope="module")
def flights() -> Flights:
    return Flights.read(FLIGHTS)


@pytest.fixture(scope="module")
def model() -> Model:
    document = yaml.load((stage.ROOT / "infra" / "monitoring.yaml").read_text(), Loader=yaml.CSafeLoader)
    return replace(parse_model(document["models"][0]), label=None)


@pytest.fixture(scope="module")
def baseline(flights: Flights, model: Model) -> Baseline:
    rows = columns(flights, model, TRAINED_FROM, TRAINED_UNTIL)
    return learn(Window(model=model, version="v1", start=TRAINED_FROM, end=TRAINED_UNTIL), rows, len(rows[SECOND]))


@pytest.mark.parametrize("hour", [0, 3, 6, 12, 18, 21, 22, 23, 23.9])
def test_the_stack_has_drift_to_show_at_whatever_hour_it_is_started(
    flights: Flights, model: Model, baseline: Baseline, hour: float
) -> None:
    end = LAST_DAY + timedelta(hours=hour)
    window = columns(flights, model, end - model.window, end)
    report = score(baseline.profile, window, thresholds=thresholds(model), slot=hour_of_week(end))
    assert report.drifted == ("departure_delay",)


def columns(flights: Flights, model: Model, start: datetime, end: datetime) -> dict[str, Any]:
    """The rows between two instants, as a statement reads them."""
    part = slice(*np.searchsorted(flights.scored_at, [minutes(start), minutes(end)]).tolist())
    rows = pa.array(range(part.start, part.stop))
    text = {name: np.array(flights.categorical[name].take(rows).to_pylist(), dtype=object) for name in CATEGORICAL}
    numbers = {name: flights.numeric[name][part].astype(float) for name in NUMERIC}
    seconds = flights.scored_at[part] * 60.0
    return numbers | text | {model.score: probabilities()[part], SECOND: seconds}
