"""The catalogue of signals: what uses each, and what is seen of each area."""

from typing import Any

import pytest

from core.promql import metrics
from core.signals import Area, SetUp, Sight, Signal, Source, coverage, is_expected, queries, with_probes

DRIFT, UP = Signal(selector="aia_drift_rows"), Signal(selector='aia_probe_up{probe=~"dns-.+"}')
GOOGLE = Signal(selector="run_googleapis_com:request_count")


HOW = SetUp(how="Name it.", guide="settings.md")


def area(*signals: Signal, **more: Any) -> Area:
    return Area(name="A", owner="ops", signals=signals, **more)


@pytest.mark.parametrize(
    ("one", "seen", "replay", "sight"),
    [
        (area(DRIFT), {"aia_drift_rows": {"drift_score": 2}}, False, Sight.SEEN),
        (area(DRIFT), {DRIFT.selector: {}}, False, Sight.NOT_SEEN),
        (area(DRIFT), {}, False, Sight.NOT_KNOWN),
        (area(GOOGLE, contract="tests/x.py"), {GOOGLE.selector: {}}, True, Sight.NEEDS_GCP),
        (area(DRIFT, contract="tests/x.py", set_up=HOW), {DRIFT.selector: {}}, False, Sight.NOT_SET_UP),
        (area(GOOGLE, contract="tests/x.py", set_up=HOW), {GOOGLE.selector: {}}, False, Sight.NOT_SET_UP),
        (area(DRIFT, contract="tests/x.py", set_up=HOW, is_set_up=True), {DRIFT.selector: {}}, False, Sight.NOT_SEEN),
        (area(GOOGLE, contract="tests/x.py"), {GOOGLE.selector: {"": 1}}, False, Sight.SEEN),
        (area(DRIFT, replayed=True), {"aia_drift_rows": {"drift_score": 2}}, True, Sight.REPLAYED),
        (area(DRIFT, replayed=True), {"aia_drift_rows": {"drift_score": 2}}, False, Sight.SEEN),
        (area(DRIFT, replayed=True), {DRIFT.selector: {}}, True, Sight.NOT_SEEN),
        (area(DRIFT, contract="tests/x.py"), {}, False, Sight.NOT_KNOWN),
        (area(DRIFT, UP), {DRIFT.selector: {}}, False, Sight.NOT_KNOWN),
        (area(DRIFT, UP), {DRIFT.selector: {"drift_score": 2}}, False, Sight.SEEN),
        (
            area(DRIFT, replayed=True, replays={"model": "a"}),
            {DRIFT.selector: {"drift_score": 2}},
            True,
            Sight.NOT_KNOWN,
        ),
        (area(DRIFT), {"aia_drift_rows": {"history": 2}}, True, Sight.REPLAYED),
        (area(DRIFT), {"aia_drift_rows": {"history": 2, "drift_score": 1}}, True, Sight.SEEN),
    ],
)
def test_what_is_seen_of_an_area(one: Area, seen: dict[str, dict[str, int]], replay: bool, sight: Sight) -> None:  # noqa: FBT001
    [covered] = coverage([one], rules={}, panels={}, seen=seen, replay=replay)
    assert covered.sight is sight


def test_only_series_of_the_replay_do_not_count_and_all_of_a_metric_without_such_a_label() -> None:
    one = area(DRIFT, Signal(selector="aia_roi_ratio"), replayed=True, replays={"model": "a|b"})
    replay = 'aia_drift_rows{model=~"a|b"}'
    [(asked, _)] = queries([one], replay=True)
    assert asked == ("aia_drift_rows", "aia_roi_ratio", replay)
    assert [selectors for selectors, _ in queries([one], replay=False)] == [("aia_drift_rows", "aia_roi_ratio")]
    jobs = {"drift_score": 2, "history": 2}
    seen = {"aia_drift_rows": jobs, replay: jobs, "aia_roi_ratio": {"bi_rollup": 1}}
    [covered] = coverage([one], rules={}, panels={}, seen=seen, replay=True)
    assert (covered.sight, covered.seen, covered.replayed) == (Sight.REPLAYED, 0, 2)
    [covered] = coverage([one], rules={}, panels={}, seen=seen | {"aia_drift_rows": {"drift_score": 3}}, replay=True)
    assert (covered.sight, covered.seen, covered.replayed) == (Sight.SEEN, 1, 1)


def test_a_signal_has_the_rules_and_panels_of_its_metric_and_an_area_each_once() -> None:
    rules = {"aia_drift_rows": ("Few",), "aia_probe_up": ("Down", "Few")}
    panels = {"aia_probe_up": ("technical: Probes",)}
    seen = {UP.selector: {"health_check": 3}, DRIFT.selector: {}}
    [covered] = coverage([area(DRIFT, UP)], rules=rules, panels=panels, seen=seen, replay=False)
    assert [(one.rules, one.panels, one.series, one.written_by) for one in covered.signals] == [
        (("Few",), (), 0, ()),
        (("Down", "Few"), ("technical: Probes",), 3, ("health_check",)),
    ]
    assert (covered.rules, covered.panels, covered.seen) == (("Few", "Down"), ("technical: Probes",), 1)


def test_who_writes_a_signal_follows_from_its_name() -> None:
    sources = [
        Signal(selector=name).source for name in ("aia_probe_up", GOOGLE.selector, "pg_settings_max_connections")
    ]
    assert sources == [Source.FUNCTIONS, Source.GOOGLE, Source.SERVICES]
    assert (
        Signal(selector="http_server_request_duration_seconds_count").family == "http_server_request_duration_seconds"
    )


def test_an_area_has_the_probes_of_its_kinds() -> None:
    kinds = {"dns-a": "dns", "api": "http", "dns-b": "dns"}
    set_up = with_probes(area(probes=("dns",)), kinds)
    up, latency = set_up.signals
    assert set_up.is_set_up
    assert (up.selector, latency.selector) == (
        'aia_probe_up{probe=~"dns-a|dns-b"}',
        'aia_probe_latency_seconds{probe=~"dns-a|dns-b"}',
    )
    without = with_probes(area(probes=("dns",)), {"api": "http"})
    none, _ = without.signals
    assert not without.is_set_up
    assert none.selector == 'aia_probe_up{probe="none"}'


def test_each_selector_is_asked_about_once_and_answers_by_its_number() -> None:
    signals = [Signal(selector=f"aia_x{number}") for number in range(25)]
    asked = list(queries([area(*signals), area(*signals[:3])], replay=True))
    assert [len(selectors) for selectors, _ in asked] == [20, 5]
    for selectors, query in asked:
        assert [name for name in metrics(query) if name.startswith("aia_")] == list(selectors)
        assert query.count("label_replace(") == len(selectors)


@pytest.mark.parametrize(
    ("metric", "set_up", "is_set_up", "expected"),
    [
        ("aia_drift_rows", None, False, True),
        ("aia_drift_rows", HOW, True, True),
        ("aia_drift_rows", HOW, False, False),
        ("pg_up", None, False, False),
        ("run_googleapis_com:request_count", None, False, False),
        ("aia_probe_up", None, False, True),
    ],
)
def test_data_are_expected_of_what_is_set_up_here(
    metric: str, set_up: SetUp | None, *, is_set_up: bool, expected: bool
) -> None:
    own = area(DRIFT, set_up=set_up, is_set_up=is_set_up)
    assert is_expected(metric, [own]) is expected
