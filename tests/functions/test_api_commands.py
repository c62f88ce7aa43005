"""What people tell the system over the API: what is published, and what is refused."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from werkzeug.test import Client

from core.events import Command, Severity, Verb
from core.incidents.model import State
from core.incidents.part import Part
from core.incidents.routing import Silence
from core.incidents.silences import LIMIT
from tests.support.builders import pages
from tests.support.builders.commands import ACTION, CALLS, OPEN, OVER, fault, new_client, new_clock, new_office, tell
from tests.support.builders.pages import ApiFixture, Rows
from tests.support.fakes.clock import START, FakeClock
from tests.support.fakes.model_table import ModelTable

clock = pytest.fixture(new_clock)
office = pytest.fixture(new_office)
client = pytest.fixture(new_client)


@pytest.mark.parametrize("verb", ["acknowledge", "take_over", "mitigate", "resolve", "cancel", "comment"])
def test_what_a_person_says_about_an_incident_is_published_as_a_command(
    client: Client, office: ApiFixture, verb: str
) -> None:
    response = tell(client, f"/v1/incidents/{OPEN}/{verb}", note=" it is the disk ")
    [(topic, command, attributes)] = office.published
    assert (response.status_code, response.json) == (202, {"id": command.id})
    assert (topic, attributes) == ("commands", {"verb": verb})
    assert command == Command(verb=Verb(verb), subject=OPEN, by="Ada", at=START, note="it is the disk")


def test_an_incident_is_handed_on_to_a_person(client: Client, office: ApiFixture) -> None:
    assert tell(client, f"/v1/incidents/{OPEN}/take_over", to=" Bob ").status_code == 202
    [(_, command, attributes)] = office.published
    assert (command.verb, command.by, command.to, attributes) == ("take_over", "Ada", "Bob", {"verb": "take_over"})


def test_one_target_that_fires_is_acknowledged(client: Client, office: ApiFixture) -> None:
    [target] = {one.target for one in office.groups[OPEN].state.members(office.groups[OPEN].state.incidents[0])}
    assert tell(client, f"/v1/incidents/{OPEN}/acknowledge", target=target).status_code == 202
    [(_, command, _)] = office.published
    assert (command.verb, command.target, command.subject) == (Verb.ACKNOWLEDGE, target, OPEN)
    refused = tell(client, f"/v1/incidents/{OPEN}/acknowledge", target="pod/zzz")
    assert refused.status_code == 409
    assert fault(refused) == f"target: must be one of the incident that fires ({target}), got 'pod/zzz'"
    assert tell(client, f"/v1/incidents/{OPEN}/acknowledge", target=7).status_code == 400
    assert tell(client, f"/v1/incidents/{OVER}/acknowledge", target=target).status_code == 409
    office.carry_out(Command(verb=Verb.ACKNOWLEDGE, subject=OPEN, by="Ada", at=START))
    whole = tell(client, f"/v1/incidents/{OPEN}/acknowledge", target=target)
    assert (whole.status_code, fault(whole)) == (409, "incident: must be open, is acknowledged")


WHOLE = "service-c-20261123-00000003"


def keep_part(office: ApiFixture, whole: State) -> None:
    down = pages.condition("service/c", "down", Severity.ERROR, START, "c is down")
    part = Part(target="service/c", at=START, reported_at=START)
    office.keep(pages.incident(WHOLE, [down], START, state=whole))
    office.keep(pages.incident(OPEN, [down], START, state=State.RESOLVED, merged_into=WHOLE, part=part))


@pytest.mark.parametrize(
    ("verb", "wanted"), [("mitigate", "not be over"), ("resolve", "not be over"), ("reopen", "be over")]
)
def test_what_is_merged_is_told_as_that_and_never_as_resolved(
    client: Client, office: ApiFixture, verb: str, wanted: str
) -> None:
    keep_part(office, State.OPEN)
    refused = tell(client, f"/v1/incidents/{OPEN}/{verb}")
    assert (refused.status_code, fault(refused)) == (409, f"incident: must {wanted}, is a part of {WHOLE}")


@pytest.mark.parametrize(("verb", "more"), [("acknowledge", {}), ("take_over", {"to": "Grace"})])
def test_whoever_acknowledges_a_part_has_the_incident_that_it_is_a_part_of(
    client: Client, office: ApiFixture, verb: str, more: dict[str, Any]
) -> None:
    keep_part(office, State.OPEN)
    assert tell(client, f"/v1/incidents/{OPEN}/{verb}", **more).status_code == 202
    assert [(one.verb, one.subject) for _, one, _ in office.published] == [(verb, OPEN)]
    keep_part(office, State.RESOLVED)
    refused = tell(client, f"/v1/incidents/{OPEN}/{verb}", **more)
    assert (refused.status_code, fault(refused)) == (409, "incident: must not be over, is resolved")


@pytest.mark.parametrize("verb", ["mitigate", "take_over"])
def test_what_expired_is_told_as_that_and_never_as_resolved(client: Client, office: ApiFixture, verb: str) -> None:
    down = pages.condition("service/c", "down", Severity.ERROR, START, "c is down")
    office.keep(pages.incident(WHOLE, [down], START, state=State.RESOLVED, expired=True))
    refused = tell(client, f"/v1/incidents/{WHOLE}/{verb}")
    said = "incident: must not be over, is no longer reported; whether it recovered is not known"
    assert (refused.status_code, fault(refused)) == (409, said)
    merge = tell(client, f"/v1/incidents/{OPEN}/merge", to=WHOLE)
    assert fault(merge) == f"to: must not be over, {WHOLE} is no longer reported; whether it recovered is not known"


def test_only_what_is_acknowledged_is_given_back(client: Client, office: ApiFixture) -> None:
    refused = tell(client, f"/v1/incidents/{OPEN}/give_back")
    assert (refused.status_code, fault(refused)) == (409, "incident: must be acknowledged, is open")
    office.carry_out(Command(verb=Verb.ACKNOWLEDGE, subject=OPEN, by="Ada", at=START))
    assert tell(client, f"/v1/incidents/{OPEN}/give_back").status_code == 202
    assert [command.verb for _, command, _ in office.published] == [Verb.GIVE_BACK]


def test_what_is_over_may_be_commented_on(client: Client, office: ApiFixture) -> None:
    assert tell(client, f"/v1/incidents/{OVER}/comment", note="the disk was full").status_code == 202
    assert tell(client, f"/v1/incidents/{OVER}/take_over").status_code == 409
    assert [command.verb for _, command, _ in office.published] == [Verb.COMMENT]


@pytest.mark.parametrize(
    ("verb", "body", "says"),
    [
        ("comment", {}, "note: must be 1 to 295 bytes to comment, got ''"),
        ("comment", {"note": "  "}, "note: must be 1 to 295 bytes to comment, got ''"),
        ("comment", {"note": "a" * 296}, "note: must be 1 to 295 bytes to comment, got 'aaa"),
        ("comment", {"note": "\N{CAT FACE}" * 74}, "note: must be 1 to 295 bytes to comment, got"),
        ("comment", {"note": "a\nb"}, "note: must be 0 to 300 printable characters, got 'a\\nb'"),
        ("take_over", {"to": "b" * 81}, "to: must be 0 to 80 printable characters, got 'bbb"),
        ("take_over", {"to": ["Bob"]}, "to: must be 0 to 80 printable characters, got ['Bob']"),
        ("acknowledge", {"to": "Bob"}, "to: must be one of by, note, target, got 'to'"),
    ],
)
def test_what_cannot_be_kept_whole_is_refused_with_what_is_allowed(
    client: Client, office: ApiFixture, verb: str, body: dict[str, Any], says: str
) -> None:
    response = tell(client, f"/v1/incidents/{OPEN}/{verb}", **body)
    assert response.status_code == 400
    assert fault(response).startswith(says)
    assert office.published == []


def test_the_longest_comment_is_kept_whole(client: Client, office: ApiFixture) -> None:
    note = "\N{CAT FACE}" * 73 + "..."
    assert tell(client, f"/v1/incidents/{OPEN}/comment", note=note).status_code == 202
    office.carry_out(office.published[0][1])
    assert office.groups[OPEN].state.incidents[0].timeline[-1].summary == f"Ada: {note}"


@pytest.mark.parametrize(
    ("verb", "status"), [("resolve", 202), ("cancel", 202), ("acknowledge", 202), ("mitigate", 409)]
)
def test_what_only_expired_may_be_acknowledged_once_and_ended_by_a_person(
    client: Client, office: ApiFixture, verb: str, status: int
) -> None:
    silent = "service-c-20261123-00000003"
    down = pages.condition("service/c", "down", Severity.ERROR, START, "c is down")
    over = {"state": State.RESOLVED, "resolved_at": START, "expired": True}
    office.keep(pages.incident(silent, [down], START, **over))
    assert tell(client, f"/v1/incidents/{silent}/{verb}").status_code == status
    office.keep(pages.incident(silent, [down], START, **over, acknowledged_at=START, acknowledged_by="Bob"))
    assert tell(client, f"/v1/incidents/{silent}/acknowledge").status_code == 409


@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_an_action_that_awaits_it_is_approved_or_rejected(client: Client, office: ApiFixture, verb: str) -> None:
    assert tell(client, f"/v1/actions/{ACTION.replace('?', '%3F')}/{verb}").status_code == 202
    [(_, command, attributes)] = office.published
    assert (command.verb, command.subject, attributes) == (verb, ACTION, {"verb": verb})


@pytest.mark.parametrize(
    ("given", "until"),
    [
        ({"minutes": 60}, START + timedelta(hours=1)),
        ({"until": "2026-11-23T16:00:00+02:00"}, datetime(2026, 11, 23, 14, tzinfo=UTC)),
    ],
)
def test_a_silence_ends_after_minutes_or_at_an_instant(
    client: Client, office: ApiFixture, given: dict[str, Any], until: datetime
) -> None:
    assert tell(client, "/v1/silences", pattern="model/*", note="maintenance", **given).status_code == 202
    [(_, command, _)] = office.published
    assert command == Command(verb=Verb.SILENCE, subject="model/*", by="Ada", at=START, note="maintenance", until=until)


@pytest.mark.parametrize(("pattern", "near"), [("servcie/a", "service/a"), ("zzz", "")])
def test_a_silence_that_matches_no_known_target_is_refused_with_the_nearest_unless_it_is_meant(
    client: Client, office: ApiFixture, pattern: str, near: str
) -> None:
    refused = tell(client, "/v1/silences", pattern=pattern, minutes=5)
    told = refused.json or {}
    assert (refused.status_code, told["near"], office.published) == (400, near, [])
    assert told["detail"].startswith("pattern: must match a known target (matches 0 of ")
    assert bool(near) is ("did you mean 'service/a'?" in told["detail"])
    meant = tell(client, "/v1/silences", pattern=pattern, minutes=5, anyway=True)
    assert (meant.status_code, len(office.published)) == (202, 1)
    assert (meant.json or {})["warning"].startswith("matches 0 of ")
    assert tell(client, "/v1/silences", pattern="service/*", minutes=5).status_code == 202


def test_the_list_of_silences_says_which_match_no_known_target(client: Client, office: ApiFixture) -> None:
    office.silence(Silence(pattern="service/*", by="Ada", at=START, until=START + timedelta(hours=2)))
    none, some = client.get("/v1/silences").json or ()
    assert (none["pattern"], none["warning"][:13]) == ("table/*", "matches 0 of ")
    assert (some["pattern"], some["warning"]) == ("service/*", "")


def test_incidents_and_silences_do_not_wait_for_the_table_of_models(office: ApiFixture, clock: FakeClock) -> None:
    made = pages.services(office.store, Rows(), office, clock, table=ModelTable(down=True))
    client = pages.application(made).test_client()
    assert [one["id"] for one in (client.get("/v1/incidents").json or {})["incidents"]] == [OPEN, OVER]
    assert [one["pattern"] for one in client.get("/v1/silences").json or ()] == ["table/*"]
    assert tell(client, "/v1/silences", pattern="model/churn", minutes=5).status_code == 202


def test_a_silence_beyond_those_that_may_hold_is_refused(client: Client, office: ApiFixture) -> None:
    for number in range(LIMIT - 2):
        office.silence(Silence(pattern=f"a/{number}", by="Ada", at=START, until=START + timedelta(hours=1)))
    assert tell(client, "/v1/silences", pattern="model/*", minutes=5).status_code == 202
    office.silence(Silence(pattern="b", by="Ada", at=START, until=START + timedelta(hours=1)))
    refused = tell(client, "/v1/silences", pattern="model/*", minutes=5)
    assert (refused.status_code, len(office.published)) == (409, 1)
    assert fault(refused) == "silences: must be at most 200, 200 hold; end one first"


def test_a_silence_is_ended_by_its_pattern(client: Client, office: ApiFixture) -> None:
    assert tell(client, "/v1/silences/end", pattern="table/*").status_code == 202
    assert (office.published[0][1].verb, office.published[0][1].subject) == (Verb.UNSILENCE, "table/*")


@pytest.mark.parametrize("verb", ["halt", "resume"])
@pytest.mark.parametrize("action", ["*", "retrain_model"])
def test_one_action_or_all_are_halted_and_resumed(client: Client, office: ApiFixture, verb: str, action: str) -> None:
    halt = Command(verb=Verb.HALT, subject=action, by="Grace", at=START)
    if verb == "resume":
        office.carry_out(halt)
    assert tell(client, f"/v1/automation/{verb}", action=action).status_code == 202
    command = office.published[0][1]
    assert (command.verb, command.subject, command.lifts) == (verb, action, halt.id if verb == "resume" else "")


@pytest.mark.parametrize(("path", "body"), CALLS)
def test_who_is_signed_in_says_so_whatever_the_body_claims(office: ApiFixture, path: str, body: dict[str, Any]) -> None:
    signed_in = pages.application(
        pages.services(office.store, Rows(), office, FakeClock()), lambda _: "grace@example.com"
    ).test_client()
    for given in ({}, {"by": "Mallory"}):
        assert signed_in.post(path, json=body | given).status_code == 202
    assert [command.by for _, command, _ in office.published] == ["grace@example.com"] * 2


def test_the_page_learns_that_nobody_is_signed_in(client: Client) -> None:
    assert client.get("/v1/me").json == {"by": "", "role": "admin", "runbooks": "/runbooks"}
