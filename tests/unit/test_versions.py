"""Versions: what one may be, how two differ, and what is kept of them."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UnreadableError
from core.versions import AliasChange, AliasName, Metric, Version, diff
from functions.adapters.registries import mlflow_foreign, record

AT = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
SEVEN = Version(model="churn", version="7", reference_start=AT - 30 * DAY, reference_end=AT, created_at=AT)
CHANGE: dict[str, Any] = {"model": "churn", "changed_at": AT, "changed_by": "person:ann", "why": "better"}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"version": ""}, "version: must be 1 to 128 printable"),
        ({"version": "7\n"}, "version: must be 1 to 128 printable"),
        ({"model": "m" * 129}, "model: must be 1 to 128 printable"),
        ({"reference_end": AT - 31 * DAY}, "reference_start: must be before reference_end"),
        ({"reference_start": datetime(2026, 1, 1)}, "reference_start: must carry a time zone"),  # noqa: DTZ001 - that is wrong
        ({"trained_from": AT}, "trained_from: must be given with trained_until"),
        ({"trained_from": AT, "trained_until": AT}, "trained_from: must be before trained_until"),
        ({"template": "v3"}, "template: must be sha256:"),
        ({"requested_by": "ann"}, "requested_by: must be finding:ID, person:NAME, schedule or empty, got 'ann'"),
    ],
)
def test_a_version_that_nothing_can_hold_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(SEVEN, **wrong)


@pytest.mark.parametrize(
    "wrong", [(float("nan"), None, None), (1.0, 0.0, None), (1.0, 2.0, 3.0), (1.0, 0.0, float("inf"))]
)
def test_a_metric_is_finite_and_within_its_interval(wrong: tuple[float, float | None, float | None]) -> None:
    with pytest.raises(ValueError, match="metric: must"):
        Metric(value=wrong[0], low=wrong[1], high=wrong[2])


def test_a_champion_is_replaced_and_not_removed() -> None:
    with pytest.raises(ValueError, match="version: must be given for a champion"):
        AliasChange(alias=AliasName.CHAMPION, version=None, **CHANGE)
    assert (
        AliasChange(alias=AliasName.CHALLENGER, version=None, **CHANGE).id == "churn:challenger::2026-06-01T00:00:00Z"
    )
    steps = {
        AliasChange(alias=AliasName.CHALLENGER, version="8", share=share, **CHANGE).id for share in (0, 5, 25, 100)
    }
    assert len(steps) == 4
    with pytest.raises(ValueError, match="share: must be 0 to 100 per cent, got 101"):
        AliasChange(alias=AliasName.CHALLENGER, version="8", share=101, **CHANGE)


def test_two_versions_differ_by_what_changed_and_intervals_say_whether_by_chance() -> None:
    before = replace(
        SEVEN,
        parameters={"rounds": 100, "rate": 0.1, "old": 1, "flag": True},
        metrics={"auc": Metric(value=0.7, low=0.6, high=0.75), "loss": Metric(value=1), "only": Metric(value=2)},
    )
    after = replace(
        before,
        version="8",
        reference_end=AT + DAY,
        git="abc",
        parameters={"rounds": 300, "rate": 0.1, "new": [1], "flag": 1},
        metrics={"auc": Metric(value=0.8, low=0.75, high=0.85), "loss": Metric(value=0.5)},
    )
    found = diff(before, after)
    assert {name: (pair.before, pair.after) for name, pair in found.parameters.items()} == {
        "flag": (True, 1),
        "new": (None, [1]),
        "old": (1, None),
        "rounds": (100, 300),
    }
    assert {name: metric.overlap for name, metric in found.metrics.items()} == {"auc": True, "loss": None, "only": None}
    assert found.metrics["loss"].change == -0.5
    assert found.metrics["only"].change is None
    assert (*found.windows, *found.lineage) == ("reference_end", "git")
    with pytest.raises(ValueError, match="model: must be the same"):
        diff(before, replace(after, model="other"))


def test_a_version_does_not_differ_from_itself() -> None:
    found = diff(SEVEN, SEVEN)
    assert (found.parameters, found.metrics, found.windows, found.lineage) == ({}, {}, {}, {})


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.text(), JSON, max_size=4), st.floats(allow_nan=False, allow_infinity=False))
def test_what_is_kept_of_a_version_is_the_version(parameters: dict[str, Any], value: float) -> None:
    version = replace(SEVEN, parameters=parameters, metrics={"auc": Metric(value=value, low=value, high=value)})
    assert record.decode(record.encode(version)) == version
    assert record.from_row(record.row(version)) == version


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"model": 1}', record.encode(SEVEN).replace('"7"', '""')])
def test_a_text_without_a_version_is_unreadable(text: str) -> None:
    with pytest.raises(UnreadableError, match="version: "):
        record.decode(text)


def test_a_row_of_another_writer_has_the_defaults_and_a_broken_one_its_reason() -> None:
    bare = dict.fromkeys(one.name for one in fields(Version)) | {
        name: getattr(SEVEN, name) for name in ("model", "version", "reference_start", "reference_end", "created_at")
    }
    assert record.from_row(bare) == SEVEN
    with pytest.raises(UnreadableError, match="churn 7: "):
        record.from_row(bare | {"metrics": '{"auc": {"value": "high"}}'})


ROW = {"name": "churn", "version": "3", "creation_timestamp": 1780272000000, "source": "s3://models/churn"}
TAGS = [
    {"key": f"aia.reference_{end}", "value": value}
    for end, value in (("start", "2026-01-01"), ("end", "2026-02-01T00:00:00Z"))
]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (ROW, "mlflow: churn/3: tag aia.reference_start: must be given, as in"),
        (ROW | {"tags": TAGS}, "mlflow: churn/3: reference_start: must carry a time zone"),
        (ROW | {"tags": [{"key": "aia.reference_start", "value": "soon"}]}, "must be an instant, as in"),
        ({"tags": [{"key": "aia.reference_start", "value": "2026-01-01"}, {}, 3]}, "mlflow: None/None: 'name'"),
    ],
)
def test_a_version_of_somebody_else_that_does_not_say_enough_is_unreadable(row: dict[str, Any], said: str) -> None:
    with pytest.raises(UnreadableError, match=said):
        mlflow_foreign.version(row, {})


def test_metrics_of_a_run_that_are_no_numbers_are_left_out() -> None:
    good = [
        {"key": f"aia.reference_{end}", "value": f"2026-0{month}-01T00:00:00Z"}
        for end, month in (("start", 1), ("end", 2))
    ]
    metrics = {
        "auc": 0.7,
        "auc.low": 0.6,
        "auc.high": 0.8,
        "nan": "NaN",
        "odd.low": 1.0,
        "f1": 0.5,
        "f1.low": 0.6,
        "f1.high": 0.7,
    }
    run = {"metrics": [{"key": key, "value": value} for key, value in metrics.items()], "tags": good}
    found = mlflow_foreign.version(ROW, run)
    assert found.metrics == {"auc": Metric(value=0.7, low=0.6, high=0.8), "odd.low": Metric(value=1.0)}
