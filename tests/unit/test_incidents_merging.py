"""Incidents that become a part of another one: what people are told, and that a pager gives one up for the other only."""

from dataclasses import replace

from core.events import Change, Severity, Verb
from core.incidents.model import IncidentReason
from core.incidents.outbox import delivery_queues, next_effects, remove_effects
from core.incidents.policy import Graph
from core.settings.people import People, Route, Stakeholder, Tier, When
from core.settings.types import Dependency
from tests.support.fakes.played import POLICY, Played, found

PAIR = Graph([Dependency(target=one, needs="table/t") for one in ("a", "b")])
APART = People(
    stakeholders={name: Stakeholder(name=name, tiers=(Tier(to=(f"{name}-pager",)),)) for name in ("one", "two")},
    routes=(
        Route(when=When(targets=("a", "table/*")), to=("one",)),
        Route(when=When(targets=("b",)), to=("two",)),
    ),
)
"""Of two incidents each has its own pager."""


def pair(**fields: object) -> Played:
    played = Played(replace(POLICY, graph=PAIR, people=APART), **fields)  # type: ignore[arg-type] # of Played
    return played.find(found(0, target="a"), found(1, target="b"))


def test_whoever_was_notified_of_a_part_is_notified_of_the_whole_before_the_part_is_given_up() -> None:
    played = pair().find(found(2, target="table/t"))
    heard = {(one.change, one.channels, one.reason) for one in played.notifications[2:]}
    assert heard == {
        (Change.UPDATED, ("two-pager",), IncidentReason.MERGED),
        (Change.MERGED, ("two-pager",), IncidentReason.MERGED),
    }
    assert played.incident.joining == ()
    texts = [message.text.splitlines()[0] for message in played.messages[2:]]
    assert any(
        text.startswith("An incident that you were notified of is a part of this one now: table/t") for text in texts
    )
    entry = next(one for one in reversed(played.incident.timeline) if one.reason is IncidentReason.NOTIFIED)
    assert entry.summary == "updated: notified everybody notified of what is a part of it now (two-pager)"
    played.say(Verb.RESOLVE, 3)
    assert played.notifications[-1].channels == ("one-pager", "two-pager")


def test_in_one_queue_the_whole_comes_first_however_severe_the_part_is() -> None:
    played = Played(replace(POLICY, graph=PAIR, people=APART), delivers=False)
    played.find(found(0, target="a"))
    played.find(found(1, target="b", severity=Severity.CRITICAL))
    done = {one.key for one in played.group.pending}
    played.group = remove_effects(played.group, done)
    played.find(found(2, target="table/t"))
    sent = []
    while queue := next((q for q in delivery_queues(played.group.pending) if q[0].queue == "notify:two-pager"), None):
        effects = next_effects(queue)
        sent.append(effects[-1].message.change if effects[-1].message else None)
        played.group = remove_effects(played.group, {one.key for one in effects})
    assert sent[-1] is Change.MERGED
    assert len(sent) > 1, "the whole was told as well"


def test_where_somebody_has_the_whole_a_new_receiver_misses_nothing() -> None:
    played = pair()
    played.say(Verb.ACKNOWLEDGE, 1.5, about=played.state.incidents[0].id)
    played.find(found(2, target="table/t"))
    introduced = next(
        one for one in played.messages if one.channel == "two-pager" and one.change is Change.ACKNOWLEDGED
    )
    assert (introduced.incident_id, introduced.missed) == (played.incident.id, True)


def test_a_whole_that_is_acknowledged_and_not_told_yet_is_triggered_with_the_acknowledgement() -> None:
    unrouted = replace(APART, routes=APART.routes[1:])
    played = Played(replace(POLICY, graph=PAIR, people=unrouted)).find(found(0, target="a"))
    played.say(Verb.ACKNOWLEDGE, 0.5).find(found(1, target="b"), found(2, target="table/t"))
    (told,) = [one for one in played.messages if one.change is Change.ACKNOWLEDGED]
    assert (told.channel, told.missed, told.incident_id) == ("two-pager", True, played.incident.id)
