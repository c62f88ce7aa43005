"""The report: what is known and nothing else, and foreign text that stays text however it is written."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from core.events import ActionDecision, Change, Mode, Severity, Stage, Status
from core.incidents.model import Evidence, Impact, Incident, IncidentCondition, IncidentReason, State, TimelineEntry
from core.incidents.notified import NotificationState
from core.incidents.report import report
from core.text import clean

NINE = datetime(2026, 1, 2, 9, tzinfo=UTC)
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
DRIFT = IncidentCondition(
    key="model/m:drift",
    target="model/m",
    kind="drift",
    status=Status.RESOLVED,
    severity=Severity.ERROR,
    observed_at=NINE + timedelta(minutes=30),
    finding_id="model/m:drift:2026-01-02T09:30:00Z",
    source="drift_score",
    summary="departure_delay drifted",
    value=0.61,
    threshold=0.2,
    unit="ratio",
    evidence=(Evidence(name="hour", text="PSI 0.3"), Evidence(name="wind", text="PSI 0.2")),
    runbook="models.md#drift",
)
ENTRIES = (
    TimelineEntry(
        sequence=1,
        at=NINE,
        change=Change.OPENED,
        reason=IncidentReason.FIRST_FIRING,
        summary="departure_delay drifted",
        finding_id="model/m:drift:2026-01-02T09:00:00Z",
    ),
    TimelineEntry(
        sequence=2,
        at=NINE + timedelta(minutes=4),
        change=Change.ACKNOWLEDGED,
        reason=IncidentReason.COMMAND,
        summary="ada: on it",
        finding_id="acknowledge:i:2026-01-02T09:04:00Z",
    ),
    TimelineEntry(
        sequence=3,
        at=NINE + timedelta(minutes=9),
        change=Change.UPDATED,
        reason=IncidentReason.ACTION,
        summary="shift_traffic on model/m applied",
    ),
    TimelineEntry(
        sequence=4,
        at=NINE + timedelta(minutes=90),
        change=Change.RESOLVED,
        reason=IncidentReason.ALL_RECOVERED,
        summary="recovered",
    ),
)
INCIDENT = Incident(
    id="model-m-20260102-4873ad0c",
    target="model/m",
    title="departure_delay drifted",
    state=State.RESOLVED,
    severity=Severity.ERROR,
    category="model_quality",
    classification="kind contains drift",
    opened_at=NINE,
    resolved_at=NINE + timedelta(minutes=90),
    acknowledged_at=NINE + timedelta(minutes=4),
    acknowledged_by="ada",
    targets=("model/m", "page/p"),
    conditions=("model/m:drift",),
    impact=Impact(dollars_per_hour=1200.0, low=900.0, high=1500.0, targets=("model/m",), reason="model/m earns"),
    sequence=4,
    timeline=ENTRIES,
)
APPLIED = ActionDecision(
    request_id="r",
    sequence=2,
    incident_id=INCIDENT.id,
    action="shift_traffic",
    target="model/m",
    mode=Mode.ACT,
    stage=Stage.APPLIED,
    reason="within_limits",
    at=NINE + timedelta(minutes=9),
    plan="100% back to 6",
    detail="done",
    by="ada",
)
MADE = NINE + timedelta(hours=3)
NASTY = st.text(alphabet=st.sampled_from("aA1 _*`~[]()<>|\\&#!$=+-:;/.\n\r\t\0\u202e\"'{}@^é")) | st.text()
SOME = st.sampled_from(
    [
        "[x](javascript:alert(1))",
        "<script>",
        "a|b\\|c\\",
        "`a`",
        "&lt;b&gt;",
        "**a** _b_ ~~c~~",
        "- a",
        "![i](u)",
        "# h #",
        "\\",
        "a_b_c",
    ]
)
FOREIGN = NASTY | SOME


def made(
    incident: Incident = INCIDENT, *actions: ActionDecision, members: tuple[IncidentCondition, ...] = (DRIFT,)
) -> str:
    return report(incident, members, actions, made_at=MADE)


def section(text: str, title: str) -> list[str]:
    return text.partition(f"## {title}\n\n")[2].partition("\n\n## ")[0].splitlines()


def summary(incident: Incident) -> dict[str, str]:
    rows = [line.strip("| ").split(" | ") for line in section(made(incident), "Summary")[2:]]
    return {row[0]: row[1] for row in rows}


def questions(
    incident: Incident, *actions: ActionDecision, members: tuple[IncidentCondition, ...] = (DRIFT,)
) -> list[str]:
    return [
        line.removeprefix("- ") for line in section(made(incident, *actions, members=members), "Open questions") if line
    ]


def test_the_summary_says_what_is_known() -> None:
    assert made().startswith(
        "# Incident: departure_delay drifted\n\n"
        "Report of incident model-m-20260102-4873ad0c, 2026-01-02 12:00 UTC.\n\n"
        "## Summary\n\n| Field | Value |\n| --- | --- |\n| Incident | model-m-20260102-4873ad0c |\n"
    )
    assert summary(INCIDENT) == {
        "Incident": "model-m-20260102-4873ad0c",
        "State": "resolved",
        "Severity": "error",
        "Category": "model quality (kind contains drift)",
        "Root target": "model/m",
        "Affected targets": "model/m, page/p",
        "Opened": "2026-01-02 09:00 UTC",
        "Acknowledged": "2026-01-02 09:04 UTC by ada",
        "Mitigated": "no",
        "Resolved": "2026-01-02 10:30 UTC",
        "Time to acknowledge": "4 min",
        "Time to resolve": "1 h 30 min",
        "Ended by": "people",
        "Impact": "\\$1,200 (90% interval \\$900 to \\$1,500) an hour: model/m earns",
        "Estimated loss": "\\$1,800 (90% interval \\$1,350 to \\$2,250):"
        " the impact by the hour while it fired, until the resolution",
    }


def test_what_is_not_known_is_not_made_up() -> None:
    bare = replace(
        INCIDENT,
        state=State.OPEN,
        resolved_at=None,
        acknowledged_at=None,
        acknowledged_by="",
        impact=None,
        classification="",
        targets=(),
        timeline=(),
        sequence=0,
    )
    text = report(bare, (), made_at=MADE)
    values = summary(bare)
    assert (values["Category"], values["Affected targets"], values["Acknowledged"]) == ("model quality", "-", "no")
    assert (values["Resolved"], values["Time to acknowledge"], values["Time to resolve"]) == ("no", "-", "-")
    assert not {"Impact", "Estimated loss", "Ended by"} & values.keys()
    assert section(text, "Findings") == ["None kept."]
    assert section(text, "Automated actions") == ["None."]


def test_an_acknowledgement_by_nobody_known_names_nobody() -> None:
    assert summary(replace(INCIDENT, acknowledged_by=""))["Acknowledged"] == "2026-01-02 09:04 UTC"


def test_a_person_who_closed_it_is_told_apart_from_a_recovery() -> None:
    closed = replace(INCIDENT, closed_at=NINE + timedelta(minutes=60))
    assert summary(closed)["Resolved"] == "2026-01-02 10:00 UTC by a person"
    assert summary(closed)["Time to resolve"] == "1 h"


@pytest.mark.parametrize(
    ("changed", "by"),
    [
        ({"healed_at": NINE + timedelta(minutes=92)}, "an automated action"),
        ({"acknowledged_at": None}, "itself"),
        ({"acknowledged_at": None, "acted_at": NINE}, "not known"),
        ({"expired": True}, "not known"),
        ({"cancelled": True}, ""),
        ({"merged_into": "other"}, ""),
    ],
)
def test_it_says_what_ended_the_incident(changed: dict[str, Any], by: str) -> None:
    assert summary(replace(INCIDENT, **changed)).get("Ended by", "").partition(":")[0] == by


@pytest.mark.parametrize(
    ("changed", "loss"),
    [
        (
            {"mitigated_at": NINE + timedelta(minutes=30)},
            "600 (90% interval $450 to $750): until the mitigation",
        ),
        ({"resolved_at": None}, "3,600 (90% interval $2,700 to $4,500): so far"),
        (
            {
                "loss": 1000.0,
                "loss_low": 900.0,
                "loss_high": 1100.0,
                "loss_until": NINE + timedelta(minutes=60),
            },
            "1,600 (90% interval $1,350 to $1,850): until the resolution",
        ),
        (
            {"impact": None, "loss": 10.0, "loss_low": 9.0, "loss_high": 11.0},
            "10 (90% interval $9 to $11): until the resolution",
        ),
        ({"resolved_at": NINE - timedelta(minutes=1)}, "0 (90% interval $0 to $0): until the resolution"),
    ],
)
def test_the_loss_counts_the_time_until_it_stopped_hurting(changed: dict[str, Any], loss: str) -> None:
    found = summary(replace(INCIDENT, **changed))["Estimated loss"]
    assert found.replace("\\", "").replace("the impact by the hour while it fired, ", "") == f"${loss}"


def test_what_earns_nothing_any_more_has_cost_what_was_counted() -> None:
    eased = replace(INCIDENT, impact=None, loss=10.0)
    assert "Impact" not in summary(eased)
    assert (
        "Its impact is not known: the settings name no revenue of model/m, nor of what depends on it."
        not in questions(eased)
    )


def test_the_time_to_acknowledge_what_came_back_is_from_then_on() -> None:
    back = replace(
        INCIDENT,
        reopened_at=NINE + timedelta(minutes=15),
        acknowledged_at=NINE + timedelta(minutes=22),
        resolved_at=None,
    )
    found = summary(back)
    assert (found["Opened"], found["Reopened"]) == ("2026-01-02 09:00 UTC", "2026-01-02 09:15 UTC")
    assert found["Time to acknowledge"] == "7 min"


def test_what_was_no_incident_or_part_of_another_has_lost_nothing_itself() -> None:
    cancelled, merged = replace(INCIDENT, cancelled=True), replace(INCIDENT, merged_into="other")
    assert summary(cancelled)["State"] == "cancelled as a false alarm"
    assert summary(merged)["State"] == "merged into incident other"
    assert "Estimated loss" not in summary(cancelled).keys() | summary(merged).keys()


def test_many_targets_are_counted() -> None:
    many = replace(INCIDENT, targets=tuple(f"t/{n}" for n in range(13)))
    assert summary(many)["Affected targets"].endswith("t/9, and 3 more")


def test_the_timeline_says_when_who_what_and_why() -> None:
    assert section(made(), "Timeline") == [
        "| Step | Time | Cause | Change | Summary | Reason |",
        "| --- | --- | --- | --- | --- | --- |",
        "| 1 | 2026-01-02 09:00 UTC | drift_score | opened | departure_delay drifted | first firing |",
        "| 2 | 2026-01-02 09:04 UTC | a person | acknowledged | ada: on it | command |",
        "| 3 | 2026-01-02 09:09 UTC | an automated action | updated | shift_traffic on model/m applied | action |",
        "| 4 | 2026-01-02 10:30 UTC | the system | resolved | recovered | all recovered |",
    ]


def test_steps_that_are_no_longer_kept_are_counted() -> None:
    assert section(made(replace(INCIDENT, sequence=6)), "Timeline")[-1] == "2 steps in between omitted."
    assert section(made(replace(INCIDENT, sequence=5)), "Timeline")[-1] == "1 step in between omitted."


def test_what_was_noticed_is_told_with_value_and_threshold() -> None:
    assert section(made(), "Findings") == [
        "| Target | Kind | Last status | Observed | Source | Value and threshold | Summary | Evidence |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        "| model/m | drift | error, resolved | 2026-01-02 09:30 UTC | drift_score | Observed 61%: 3.0 times the threshold of 20%. | departure_delay drifted | hour: PSI 0.3; wind: PSI 0.2 |",
    ]


def test_what_was_done_by_itself_is_told_in_order() -> None:
    planned = replace(APPLIED, sequence=1, stage=Stage.PLANNED, detail="", by="")
    assert section(made(INCIDENT, APPLIED, planned), "Automated actions") == [
        "| Time | Action | Target | Mode | Decision | Reason | Plan and result | By |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        "| 2026-01-02 09:09 UTC | shift_traffic | model/m | act | planned | within limits | 100% back to 6 | - |",
        "| 2026-01-02 09:09 UTC | shift_traffic | model/m | act | applied | within limits | 100% back to 6; done | ada |",
    ]


def test_an_incident_that_went_well_leaves_no_question() -> None:
    assert questions(INCIDENT, APPLIED) == ["None."]


def test_the_facts_raise_the_questions() -> None:
    stuck = tuple(
        replace(ENTRIES[0], sequence=n, reason=reason)
        for n, reason in enumerate(
            [
                IncidentReason.NOT_ACKNOWLEDGED,
                IncidentReason.NOT_ACKNOWLEDGED,
                IncidentReason.NOTIFICATION_REFUSED,
                IncidentReason.NOT_REPEATED,
            ],
            1,
        )
    )
    failing = replace(
        INCIDENT,
        state=State.OPEN,
        acknowledged_at=None,
        resolved_at=None,
        impact=None,
        notified=NotificationState(flaps=1),
        timeline=stuck,
    )
    firing = replace(DRIFT, status=Status.FIRING, runbook="")
    assert questions(failing, members=(firing, replace(firing, key="model/m:quality", kind="quality"))) == [
        "It was not acknowledged.",
        "It is not resolved; still firing: model/m.",
        "Its impact is not known: the settings name no revenue of model/m, nor of what depends on it.",
        "There is no runbook for drift of model/m.",
        "There is no runbook for quality of model/m.",
        "It flapped: a reopening was notified 1 time.",
        "A notified tier did not acknowledge in time: 2 times.",
        "A channel refused a message: 1 time.",
        "A condition expired, because its source did not repeat it: 1 time.",
    ]


def test_what_is_called_resolved_while_it_fires_is_asked_about() -> None:
    assert questions(replace(INCIDENT, resolved_at=None)) == ["It is not resolved."]
    firing = replace(DRIFT, status=Status.FIRING)
    assert questions(INCIDENT, members=(firing,)) == ["It was resolved by a person while still firing: model/m."]


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        (Stage.FAILED, "failed"),
        (Stage.UNDONE, "was undone"),
        (Stage.EXPIRED, "was not approved before it expired"),
        (Stage.AWAITING, "still awaits approval"),
    ],
)
def test_a_response_that_did_not_end_well_is_asked_about(stage: Stage, words: str) -> None:
    last = replace(APPLIED, sequence=3, stage=stage)
    assert questions(INCIDENT, last, APPLIED) == [f"The action shift_traffic on model/m {words}."]
    assert questions(INCIDENT, replace(APPLIED, sequence=4), last) == ["None."]


def test_long_lines_are_cut() -> None:
    long = replace(INCIDENT, title="a" * 5000, timeline=(replace(ENTRIES[0], summary="b" * 5000),))
    assert max(len(line) for line in made(long).splitlines()) < 1000


def foreign(text: str) -> tuple[Incident, IncidentCondition, ActionDecision]:
    """The same incident, in which everything that others write is this text."""
    entries = tuple(replace(entry, summary=text, finding_id=text) for entry in ENTRIES)
    incident = replace(
        INCIDENT, id=text, title=text, target=text, category=text, classification=text, acknowledged_by=text
    )
    incident = replace(
        incident, targets=(text, text), timeline=entries, impact=replace(INCIDENT.impact or NONE, reason=text)
    )
    evidence = (Evidence(name=text, text=text),)
    member = replace(DRIFT, key=text, target=text, kind=text, source=text, summary=text, unit=text, evidence=evidence)
    action = replace(
        APPLIED, action=text, target=text, reason=text, plan=text, detail=text, by=text, stage=Stage.FAILED
    )
    return incident, replace(member, runbook="", status=Status.FIRING), action


NONE = Impact(dollars_per_hour=0.0, low=0.0, high=0.0, targets=(), reason="")


def shapes(tokens: list[Token]) -> list[str]:
    return [token.type for token in tokens]


@given(FOREIGN)
def test_foreign_text_changes_nothing_but_text(text: str) -> None:
    incident, member, action = foreign(text)
    tokens = MARKDOWN.parse(made(incident, action, members=(member,)))
    usual = MARKDOWN.parse(made(*foreign("usual")[::2], members=(foreign("usual")[1],)))
    assert shapes(tokens) == shapes(usual)
    inline = {child.type for token in tokens for child in token.children or ()}
    assert inline <= {"text"}


def test_nobody_is_mentioned_and_nothing_links_by_itself() -> None:
    text = made(replace(INCIDENT, title="ask @ada at https://evil.example/x or ftp://a@b.c"))
    assert "# Incident: ask &#64;ada at https&#58;//evil.example/x or ftp&#58;//a&#64;b.c\n" in text
    assert "09:00" in text


@given(FOREIGN)
def test_foreign_text_is_shown_as_it_stands(text: str) -> None:
    incident, member, action = foreign(text)
    tokens = MARKDOWN.parse(made(incident, action, members=(member,)))
    shown = ["".join(child.content for child in token.children or ()) for token in tokens if token.type == "inline"]
    assert shown[0] == f"Incident: {clean(text, 120) or '-'}".strip()
    assert (clean(text) or "-") in shown


@given(FOREIGN)
def test_no_sign_of_html_links_code_or_cells_is_left(text: str) -> None:
    incident, member, action = foreign(text)
    written = made(incident, action, members=(member,))
    assert not set("<>[]`") & set(written)
    usual = made(*foreign("usual")[::2], members=(foreign("usual")[1],))
    assert [line.count("|") for line in written.splitlines()] == [line.count("|") for line in usual.splitlines()]
