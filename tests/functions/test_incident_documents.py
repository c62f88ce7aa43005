"""The document of a group stays within what every store takes, whatever happens and however long its names are."""

from dataclasses import replace

import msgspec
import pytest

from core.events import Command, Severity, Stage, Verb
from core.incidents.merging import Whole, absorb
from core.incidents.model import CONDITIONS_LIMIT, HIDDEN_LIMIT, HiddenCondition
from core.incidents.policy import Graph
from core.settings.people import People, Route, Stakeholder, When
from core.settings.response import RUNGS_LIMIT, ActionName, Deed, Playbook, Revenue
from core.settings.types import Dependency
from functions.adapters.store import LARGEST, normal
from functions.services.incidents.documents import group_data, incident_data, read_group
from tests.support.builders.budget import ALL
from tests.support.fakes.played import FIRING, POLICY, RESOLVED, TECHNICAL, Played, at, found

TARGETS, KINDS = 40, 5 if ALL else 4
"""With a kind less, as many conditions are kept and as many incidents open; the documents are as large, but for a fiftieth."""
ROUNDS = 18 if ALL else 10
"""From the tenth on, a document grows by a hundredth."""
CAT = "\N{CAT FACE}"
LONG = CAT * 2000


def name(prefix: str, size: int) -> str:
    """A name of so many bytes."""
    return prefix + CAT * ((size - len(prefix.encode())) // 4)


def group(size: int) -> tuple[Played, list[str]]:
    """A group of targets with names of so many bytes, and ten channels that hear of it."""
    targets = [name(f"t{n:02}", size) for n in range(TARGETS)]
    graph = Graph([Dependency(target=other, needs=targets[0]) for other in targets[1:]])
    tiers = tuple(replace(TECHNICAL.tiers[0], to=tuple(f"channel-{n}-{tier}" for n in range(5))) for tier in range(2))
    people = People(
        stakeholders={"technical": Stakeholder(name="technical", tiers=tiers)},
        routes=(Route(when=When(), to=("technical",)),),
    )
    revenue = {target: Revenue(dollars_per_hour=1000.0) for target in targets}
    playbooks = tuple(
        Playbook(
            name=f"p{n}-{'p' * 95}",
            when=When(),
            do=tuple(Deed(action=ActionName.SCALE_OUT, target=f"service/{n}-{m}") for m in range(RUNGS_LIMIT)),
        )
        for n in range(2)
    )
    policy = replace(
        POLICY, playbooks=playbooks, graph=graph, people=people, revenue=revenue, url="https://" + "u" * 100
    )
    assert len({graph.group(target) for target in targets}) == 1
    return Played(policy, delivers=False, copies=True), targets


def storm(played: Played, targets: list[str], size: int) -> int:
    """Everything fires and flaps, nobody answers, the bus takes nothing and no channel does; the largest document."""
    largest = 0
    texts = {
        "summary": LONG,
        "source": LONG,
        "unit": LONG,
        "runbook": LONG,
        "evidence": {f"{n}{LONG}": LONG for n in range(9)},
    }
    for n in range(ROUNDS):
        for number, target in enumerate(targets[:: -1 if n % 2 else 1]):
            for kind in range(KINDS):
                minute = n * 45 + number / TARGETS + kind / 1000
                status = RESOLVED if n % 2 else FIRING
                severity = list(Severity)[(n // 2 + kind) % 4]
                finding = found(minute, status, severity, target=target, kind=name(f"k{kind}", size), **texts)
                played.find(replace(finding, value=0.5, threshold=0.1))
        played.act(n * 45 + 5, stage=Stage.REFUSED, plan=LONG, detail=LONG, reason="r").sweep(n * 45 + 10, n * 45 + 20)
        if n % 3 == 0:
            for number, target in enumerate(targets):
                for one in [one for one in played.state.incidents if target in one.targets]:
                    minute = n * 45 + 20.5 + number / 100
                    played.say(Verb.ACKNOWLEDGE, minute, about=one.id, by=LONG, words=LONG, target=target)
            largest = max(largest, measured(played))
            played.say(Verb.ACKNOWLEDGE, n * 45 + 21, words=LONG)
        largest = max(largest, measured(played))
    return largest


def measured(played: Played) -> int:
    """The bytes of the document, which the store takes and gives back as it was."""
    data = normal(group_data(played.group))
    assert read_group(data) == played.group
    for incident in played.state.incidents:
        normal(incident_data(played.group, incident.id) or {})
    return _size(data)


def _size(value: object) -> int:
    match value:
        case str():
            return len(value.encode()) + 1
        case list() | tuple():
            return sum(map(_size, value))
        case dict():
            return sum(len(key.encode()) + 1 + _size(item) for key, item in value.items())
    return 8


@pytest.mark.parametrize("size", [pytest.param(40, marks=pytest.mark.long), 300])
def test_forty_targets_with_several_kinds_that_flap_while_nothing_answers_fit_into_one_document(size: int) -> None:
    played, targets = group(size)
    largest = storm(played, targets, size)
    assert largest <= LARGEST
    assert len(played.state.conditions) == min(TARGETS * KINDS, CONDITIONS_LIMIT)


def test_forty_incidents_of_one_group_that_are_not_related_fit_too() -> None:
    played, targets = group(300)
    largest = storm(played, targets[1:], 300)
    instant = played.state.conditions[0].observed_at
    one = HiddenCondition("#" + "0" * 12, "#" + "0" * 12, Severity.CRITICAL, instant, instant, instant)
    digest = msgspec.json.encode([one] * HIDDEN_LIMIT)
    assert largest + len(digest) <= LARGEST, "the digest of what is not kept in detail must fit as well"
    assert len(played.state.incidents) == TARGETS - 1
    assert merged(played, targets[1:], 300) + len(digest) <= LARGEST, "all of them as parts, with what they report"


def merged(played: Played, targets: list[str], size: int) -> int:
    """Everything fires again, and each incident is merged into one of another group: the bytes of the document."""
    for number, target in enumerate(targets):
        played.find(found(20 * 45 + number, FIRING, Severity.CRITICAL, target=target, summary=LONG, runbook=LONG))
    whole = Whole("w" * 58, name("w", size))
    for incident in played.state.incidents:
        now = at(22 * 45)
        said = Command(verb=Verb.MERGE, subject=incident.id, by=LONG, at=now, note=LONG, to=whole.id)
        played._take(absorb(played.state, said, whole), now, now)
    assert len([one for one in played.group.pending if one.finding]) == len(targets)
    return measured(played)
