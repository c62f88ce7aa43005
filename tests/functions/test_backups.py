"""Backups over an outside in memory: everything is deleted and restored, and programs die at every call."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from core.actions.guards import Guards
from core.errors import BackupError, RefusedError, UnavailableError
from functions.adapters.ledger import Ledger
from functions.adapters.ports import Data
from functions.services.actions import GUARDS, GUARDS_KEY, read_guards
from functions.services.backups import documents, manifests
from functions.services.backups.make import Backups
from functions.services.backups.restore import Restorer
from functions.services.incidents.documents import GROUPS, read_group
from tests.support.crash.breaking import KilledError
from tests.support.fakes.backups import MemoryTables
from tests.support.fakes.outside import LIFE, Setup, found, set_up

HOUR = timedelta(hours=1)
KEEP = timedelta(days=30)
OWN = ("maintenance", "restore")


@dataclass
class Place:
    """A system with incidents, tables, and backups."""

    setup: Setup
    warehouse: MemoryTables

    @property
    def backups(self) -> Backups:
        store = self.setup.service.store
        return Backups(store=store, warehouse=self.warehouse, clock=lambda: self.setup.world.now)

    @property
    def restorer(self) -> Restorer:
        store = self.setup.service.store
        return Restorer(store=store, warehouse=self.warehouse, clock=lambda: self.setup.world.now)

    def documents(self) -> dict[tuple[str, str], Data]:
        return {key: one.data for key, one in self.setup.world.documents.items() if key != OWN}

    def back_up(self) -> manifests.Manifest:
        at = self.setup.world.now
        for step in self.backups.steps(at):
            step.run()
        self.backups.drop(at - KEEP)
        return manifests.newest(self.warehouse, at)

    def verify(self, manifest: manifests.Manifest) -> None:
        for step in self.backups.verification(manifest.at):
            step.run()

    def restore(self, manifest: manifests.Manifest) -> None:
        self.restorer.begin(manifest)
        for step in self.restorer.steps(manifest):
            step.run()
        self.restorer.finish()

    def lose_everything(self) -> None:
        """The tables and all documents; the dataset of backups is another one."""
        self.setup.world.documents.clear()
        self.warehouse.tables = {
            name: rows for name, rows in self.warehouse.tables.items() if name.startswith("backups.")
        }


@pytest.fixture
def place() -> Place:
    setup = set_up()
    setup.give(*LIFE)
    setup.sweep(minutes=1)
    Ledger(setup.service.store, lambda: setup.world.now, "test").once("restart:api", lambda: None)
    warehouse = MemoryTables(setup.world)
    warehouse.tables["ops.findings"] = [{"n": 1, "value": 0.5}, {"n": 1, "value": 0.5}, {"n": 2, "value": None}]
    warehouse.tables["marts.customers"] = []
    warehouse.tables["telemetry.orders"] = [{"order": 1}]
    return Place(setup, warehouse)


def test_what_was_deleted_is_restored_and_nobody_is_paged_again(place: Place) -> None:
    manifest = place.back_up()
    there, stored, told = place.warehouse.contents(), place.documents(), list(place.setup.world.told)
    there.pop("telemetry.orders")
    place.lose_everything()
    place.restore(manifest)
    assert place.warehouse.contents() == there
    assert place.documents() == stored
    place.setup.redeliver(LIFE)
    place.setup.sweep(seconds=5)
    assert place.setup.world.told == told
    assert place.setup.world.asked == []


def test_what_came_after_the_backup_is_gone_but_what_was_claimed_or_halted_stays(place: Place) -> None:
    manifest = place.back_up()
    store = place.setup.service.store
    Ledger(store, lambda: place.setup.world.now, "test").once("rollback:model", lambda: None)
    store.create(GUARDS, GUARDS_KEY, {"halts": []})
    store.create("later", "k", {})
    place.warehouse.tables["ops.findings"].append({"n": 3, "value": 1.0})
    place.restore(manifest)
    assert len(place.warehouse.tables["ops.findings"]) == 3
    assert store.get("later", "k") is None
    assert store.get("ledger", "rollback:model") is not None
    assert store.get(GUARDS, GUARDS_KEY) is not None


def test_a_halt_is_restored(place: Place) -> None:
    store = place.setup.service.store
    store.create(GUARDS, GUARDS_KEY, {"halts": []})
    manifest = place.back_up()
    place.lose_everything()
    place.restore(manifest)
    assert read_guards(store) == Guards()


def test_a_message_that_waited_when_the_backup_was_made_is_not_sent_unless_it_still_waits(place: Place) -> None:
    place.setup.channels["inbox"].fault = UnavailableError("down")
    with pytest.raises(UnavailableError):
        place.setup.give(replace(found(200), target="model/other"))
    manifest = place.back_up()
    waiting = [
        effect.key
        for name, data in place.documents().items()
        if name[0] == GROUPS
        for effect in read_group(data).pending
    ]
    assert any("notify" in key for key in waiting)
    place.restore(manifest)
    assert place.restorer.finish() == []
    place.lose_everything()
    place.restore(manifest)
    assert place.restorer.finish() == sorted(key for key in waiting if ":notify:" in key)


def _spoilt_snapshot(place: Place, manifest: manifests.Manifest) -> str:
    place.warehouse.tables[manifest.tables[1].snapshot].pop()
    return "ops.findings: must have 3 rows, got 2"


def _lost_snapshot(place: Place, manifest: manifests.Manifest) -> str:
    place.warehouse.snapshots.discard(manifest.tables[0].snapshot)
    return "marts.customers: its snapshot .* is missing"


def _changed_document(place: Place, _: manifests.Manifest) -> str:
    place.warehouse.tables[documents.TABLE][0] |= {"data": "{}"}
    return "documents: must have the digest"


def _lost_document(place: Place, _: manifests.Manifest) -> str:
    place.warehouse.tables[documents.TABLE].pop()
    return "documents: must be"


@pytest.mark.parametrize("spoil", [_spoilt_snapshot, _lost_snapshot, _changed_document, _lost_document])
def test_a_backup_that_is_not_what_was_backed_up_changes_nothing_and_is_known_to_be_broken(
    place: Place, spoil: Callable[[Place, manifests.Manifest], str]
) -> None:
    manifest = place.back_up()
    reason = spoil(place, manifest)
    there, stored = place.warehouse.contents(), place.documents()
    with pytest.raises(BackupError, match=reason):
        place.restore(manifest)
    assert (place.warehouse.contents(), place.documents()) == (there, stored)
    assert place.restorer.unfinished() == ""
    with pytest.raises(BackupError, match=reason):
        place.verify(manifest)
    with pytest.raises(BackupError, match="all 1 are broken"):
        manifests.newest(place.warehouse, place.setup.world.now)


def test_backups_are_kept_for_as_long_as_the_settings_say(place: Place) -> None:
    first = place.back_up()
    place.setup.world.now += KEEP
    second = place.back_up()
    place.setup.world.now += HOUR
    third = place.back_up()
    kept = {one.manifest.id for one in manifests.read(place.warehouse)}
    assert kept == {second.id, third.id}
    assert {name.rpartition("__")[2] for name in place.warehouse.snapshots} == kept
    assert first.at not in {row["backup_at"] for row in place.warehouse.tables[documents.TABLE]}


def test_the_newest_backup_before_an_instant_is_restored(place: Place) -> None:
    first = place.back_up()
    place.setup.world.now += HOUR
    second = place.back_up()
    assert manifests.newest(place.warehouse, second.at) == second
    assert manifests.newest(place.warehouse, second.at - timedelta(seconds=1)) == first


def boundaries_of(place: Place, act: Callable[[], object]) -> int:
    before = place.setup.world.boundaries
    act()
    return place.setup.world.boundaries - before


def killed(place: Place, at: int, act: Callable[[], object]) -> None:
    world = place.setup.world
    world.kill_at = world.boundaries + at
    with pytest.raises(KilledError):
        act()
    world.dead, world.kill_at = False, 0


def test_a_backup_whose_program_ends_at_any_call_is_whole_when_it_is_made_again(place: Place) -> None:
    number = boundaries_of(place, place.back_up)
    for at in range(1, number + 1):
        place.warehouse.tables = {
            name: rows for name, rows in place.warehouse.tables.items() if name not in place.warehouse.snapshots
        } | {documents.TABLE: [], manifests.TABLE: []}
        place.warehouse.snapshots.clear()
        killed(place, at, place.back_up)
        manifest = place.back_up()
        assert [table.rows for table in manifest.tables] == [0, 3]
        documents.check(place.warehouse, manifest)


def test_a_restore_whose_program_ends_at_any_call_is_never_left_half_done(place: Place) -> None:
    manifest = place.back_up()
    there, stored, told = place.warehouse.contents(), place.documents(), list(place.setup.world.told)
    there.pop("telemetry.orders")
    before = dict(place.warehouse.tables), dict(place.setup.world.documents), set(place.warehouse.snapshots)
    place.lose_everything()
    number = boundaries_of(place, lambda: place.restore(manifest))
    halves = 0
    for at in range(1, number + 1):
        place.warehouse.tables, place.warehouse.snapshots = dict(before[0]), set(before[2])
        place.lose_everything()
        killed(place, at, lambda: place.restore(manifest))
        untouched = not place.warehouse.contents() and not place.documents()
        if not place.restorer.unfinished():
            whole = (place.warehouse.contents(), place.documents()) == (there, stored)
            halves += not (untouched or whole)
            place.restore(manifest)
        else:
            place.restorer.resume()
        halves += (place.warehouse.contents(), place.documents()) != (there, stored)
        assert place.restorer.unfinished() == ""
    assert halves == 0
    assert place.setup.world.told == told


def test_no_other_backup_is_restored_or_made_before_one_is_finished(place: Place) -> None:
    first = place.back_up()
    place.setup.world.now += HOUR
    second = place.back_up()
    place.restorer.begin(first)
    for step in place.restorer.steps(first):
        step.run()
        if step.name == "exchange":
            break
    with pytest.raises(RefusedError, match=f"must be {first.id}, whose restore is not finished"):
        place.restorer.begin(second)
    with pytest.raises(RefusedError, match=f"must wait for the restore of {first.id}"):
        place.back_up()
    place.restorer.resume()
    assert place.restorer.unfinished() == ""
    assert manifests.newest(place.warehouse, place.setup.world.now) == second
    place.restore(second)
