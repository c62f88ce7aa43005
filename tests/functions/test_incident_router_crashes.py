"""The incident router is killed at every boundary, and many of it run at once: nothing lost, nobody woken twice."""

import random
import threading
from collections import Counter
from pathlib import Path

import pytest

from core.errors import BusyError
from core.events import Finding, Severity, Status
from functions.adapters.sqlite_store import SqliteStore
from functions.services.incidents.attempt import LEASE
from functions.services.incidents.documents import GROUPS, INCIDENTS, read_group
from tests.support.builders.budget import boundaries, examples
from tests.support.fakes.outside import (
    FINDING,
    LIFE,
    TARGET,
    KilledError,
    Setup,
    assert_nothing_lost_and_nobody_woken_twice,
    expected_state,
    found,
    set_up,
    snapshot,
)


def messages(setup: Setup) -> Counter[str]:
    """What people received. What is published keeps its id, so that its readers count it once."""
    return Counter(message.key for message in setup.world.told)


def test_killed_at_any_boundary_nothing_is_lost_and_nobody_is_woken_twice() -> None:
    whole = set_up()
    whole.give(*LIFE)
    doubled = 0
    for boundary in boundaries(whole.world.boundaries):
        setup = set_up()
        setup.world.kill_at = boundary
        for finding in LIFE:
            setup.redeliver([finding])
        assert_nothing_lost_and_nobody_woken_twice(setup.world, LIFE)
        assert set(setup.world.performed()) == set(whole.world.performed())
        repeated = messages(setup) - messages(whole)
        assert repeated.total() <= 1
        doubled += repeated.total()
    assert doubled > 0, "no kill between an effect and its confirmation was tried"


def test_killed_at_any_boundary_while_later_findings_overtake() -> None:
    whole = set_up()
    whole.give(*LIFE)
    for boundary in boundaries(whole.world.boundaries):
        setup = set_up()
        setup.world.kill_at = boundary
        setup.redeliver(LIFE)
        assert_nothing_lost_and_nobody_woken_twice(setup.world, LIFE)
        assert (messages(setup) - Counter(set(messages(setup)))).total() <= 1


def test_killed_again_and_again_with_faults_everywhere_in_any_order() -> None:
    for seed in range(examples(1000)):
        rng = random.Random(seed)
        setup = set_up()
        setup.world.chance = rng.random
        findings = rng.sample(LIFE, k=rng.randint(1, len(LIFE)))
        delivered = findings + rng.choices(findings, k=rng.randint(0, 6))
        rng.shuffle(delivered)
        for finding in delivered:
            setup.world.kill_at = setup.world.boundaries + rng.randint(1, 80)
            setup.redeliver([finding]) if rng.random() < 0.5 else setup._acknowledged(finding)
        setup.world.kill_at = 0
        setup.redeliver(delivered)
        if any(finding.status is Status.FIRING for finding in findings):
            assert_nothing_lost_and_nobody_woken_twice(setup.world, findings)
        else:
            assert setup.world.told == []


def killed_with_a_claim() -> Setup:
    for boundary in range(1, 100):
        setup = set_up()
        setup.world.kill_at = boundary
        with pytest.raises(KilledError):
            setup.give(FINDING)
        setup.world.dead = False
        if (GROUPS, TARGET) in setup.world.documents and setup.world.group().claims:
            return setup
    pytest.fail("nothing was ever claimed")


def test_what_somebody_else_is_doing_is_left_to_him_and_comes_again() -> None:
    setup = killed_with_a_claim()
    with pytest.raises(BusyError, match="claimed by"):
        setup.give(FINDING)
    assert len(setup.world.performed()) == 0
    setup.world.now += LEASE
    setup.give(FINDING)
    assert_nothing_lost_and_nobody_woken_twice(setup.world, [FINDING])


def test_many_at_once_on_the_real_store_tell_everything_once(tmp_path: Path) -> None:
    store = SqliteStore(str(tmp_path / "store.db"))
    setup = set_up(store)
    findings = [found(n, severity=list(Severity)[n % 4], kind=f"kind-{n % 3}") for n in range(12)]

    def until_done(finding: Finding) -> None:
        while True:
            try:
                return setup.give(finding)
            except BusyError:
                continue

    threads = [threading.Thread(target=until_done, args=(finding,)) for finding in findings * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    document = store.get(GROUPS, TARGET)
    assert document is not None
    group = read_group(document.data)
    assert group.pending == ()
    assert snapshot(group.state) == expected_state(findings, setup.world.now)
    assert set(setup.world.performed().values()) == {1}
    published = sorted(change.sequence for change in setup.world.published)
    (incident,) = group.state.incidents
    assert published == [entry.sequence for entry in incident.timeline]
    copy = store.get(INCIDENTS, incident.id)
    assert copy is not None
    assert copy.data["timeline"][-1]["sequence"] == incident.sequence
    store.close()
