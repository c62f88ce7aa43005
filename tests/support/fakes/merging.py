"""Two incident groups whose incidents are merged, and the people who are told."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

from core.errors import BusyError, UnavailableError
from core.events import Command, Severity, Status, Verb
from core.incidents.model import Incident
from functions.services.incidents.documents import GROUPS, read_group
from tests.support.fakes.outside import FINDING, KilledError, Setup, set_up

A, B, C = "model/a", "probe/b", "table/c"


FIRING, RESOLVED = Status.FIRING, Status.RESOLVED


FAILED = (KilledError, UnavailableError, BusyError)


@dataclass
class Place:
    """A router with some targets, and the bus that brings it what parts report."""

    setup: Setup = field(default_factory=set_up)
    delivered: int = 0

    def find(self, target: str, status: Status = FIRING, severity: Severity = Severity.ERROR, **later: float) -> str:
        """Let a source say something; the id of the newest incident of the target."""
        world = self.setup.world
        world.now += timedelta(**(later or {"minutes": 1}))
        self.setup.give(replace(FINDING, target=target, status=status, severity=severity, observed_at=world.now))
        self.settle()
        return self.named(target).id

    def settle(self) -> None:
        """Deliver what parts report, and what that leads to."""
        world = self.setup.world
        while self.delivered < len(world.found):
            self.delivered += 1
            self.setup.give(world.found[self.delivered - 1])

    def say(self, verb: Verb, subject: str, to: str = "", by: str = "ada", **later: float) -> Command:
        self.setup.world.now += timedelta(**(later or {"minutes": 1}))
        command = Command(verb=verb, subject=subject, by=by, at=self.setup.world.now, to=to)
        self.setup.give(command)
        self.settle()
        return command

    def incidents(self) -> list[Incident]:
        documents = self.setup.world.documents
        groups = [read_group(found.data) for (name, _), found in documents.items() if name == GROUPS]
        return [incident for group in groups for incident in group.state.incidents]

    def incident(self, name: str) -> Incident:
        return next(one for one in self.incidents() if one.id == name)

    def named(self, target: str) -> Incident:
        return [one for one in self.incidents() if target in one.targets][-1]

    def told(self, name: str) -> list[str]:
        return [m.change.value for m in self.setup.world.told if m.incident_id == name and m.channel == "inbox"]

    def sweep(self, **later: float) -> None:
        self.setup.sweep(**later)
        self.settle()
