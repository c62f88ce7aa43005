"""Which findings belong together: by target, by what needs what, and by time."""

from collections.abc import Iterable
from datetime import timedelta

from core.incidents.charter import Charter
from core.incidents.episode import Episode
from core.incidents.graph import Graph
from core.incidents.life import identifier
from core.incidents.model import Incident, State, Tracked, Watch


def linked(watch: Watch, target: str, episode: Episode, charter: Charter) -> tuple[Incident, ...]:
    """The incidents that an episode of a target belongs to; the first of them goes on, the others are part of it.

    Where there are several, something that they all need, or that needs them all, fired in between. What is over belongs to
    it as well as what is not: whatever comes last, the same findings end in the same incidents. Those that are not over come
    first, the oldest of them foremost; then those that are over, the newest foremost.

    Args:
        watch: what is remembered of the group.
        target: the target.
        episode: the last time in which it fired.
        charter: what decisions go by.
    """
    found = [one for one in watch.incidents if not one.merged_into and _belongs(one, target, episode, charter)]
    found = found or _namesake(watch, identifier(target, episode.opened_at))
    live = [one for one in found if one.state is not State.RESOLVED]
    return (*live, *(one for one in reversed(found) if one.state is State.RESOLVED))


def _namesake(watch: Watch, name: str) -> list[Incident]:
    """The incident that was opened for the very firing with which the episode begins, or what that is part of by now.

    It may have come to hold others alone, and would be lost if another was opened under its name.
    """
    known = {incident.id: incident for incident in watch.incidents}
    found = known.get(name)
    while found is not None and found.merged_into in known:
        found = known[found.merged_into]
    return [found] if found else []


def root(conditions: Iterable[Tracked], graph: Graph) -> str:
    """The target that explains the others: what it needs does not fire; of several the one that most others need.

    Of equals it is the first by name, which is the same whatever comes late: an incident does not change its root for that.
    """
    targets = sorted({condition.target for condition in conditions})
    if len(targets) == 1:
        return targets[0]
    needs = {one: graph.needs(one) for one in targets}
    sources = [one for one in targets if all(one in needs[other] for other in targets if other in needs[one])]
    return max(sources, key=lambda one: sum(one in needs[other] for other in targets))


def _belongs(incident: Incident, target: str, episode: Episode, charter: Charter) -> bool:
    if target in incident.targets:
        over = incident.resolved_at
        return over is None or episode.opened_at <= over + charter.policy.reopen_within
    return _near(incident, episode, charter.policy.join_within) and _related(incident, target, charter.graph)


def _near(incident: Incident, episode: Episode, within: timedelta) -> bool:
    begins = incident.resolved_at is None or episode.opened_at <= incident.resolved_at + within
    return begins and (episode.resolved_at is None or incident.opened_at <= episode.resolved_at + within)


def _related(incident: Incident, target: str, graph: Graph) -> bool:
    return any(graph.related(target, other) for other in incident.targets)
