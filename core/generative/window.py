"""What the counts of a window say of a generative model: shares, traffic, and how far its embeddings have moved."""

import math
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from core.drift.categories import MISSING_CATEGORY
from core.drift.counts import Counts
from core.drift.profile import Profile
from core.generative.meter import SHARES, usual
from core.performance.intervals import NOTHING, Estimate, share
from core.settings.generation import DOLLARS, Embedding, Generation

_Z = 1.959963984540054


def counted_shares(profile: Profile, counts: Counts) -> dict[str, Estimate]:
    """The shares of all requests of a window, from the counts of its flags.

    >>> from core.drift import count
    >>> profile = Profile.fit({"failed_": ["false", "true"] * 50})
    >>> counted_shares(profile, count(profile, {"failed_": ["false", "true", "false", "false"]}))["error_ratio"].value
    0.25
    """
    places = {part.name: k for k, part in enumerate(profile.categorical)}
    found = {}
    for name, flag in SHARES.items():
        if flag not in places or flag in counts.absent or flag in counts.retyped:
            continue
        part, rows = profile.categorical[places[flag]], counts.categories[places[flag]]
        known = int(rows.sum() - rows[MISSING_CATEGORY])
        clear = int(rows[part.values.index(usual(flag))]) if usual(flag) in part.values else 0
        found[name] = share(known - clear, known)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """How much a model was used in a window; None where its log does not say.

    Attributes:
        requests: per second.
        tokens_in: of prompts, per second.
        tokens_out: of responses, per second.
        dollars: per hour.
    """

    requests: float
    tokens_in: float | None
    tokens_out: float | None
    dollars: float | None


def traffic(log: Generation, profile: Profile, counts: Counts, length: timedelta) -> Traffic:
    """How much a model was used in a window of a length; each request counts once."""
    seconds = length.total_seconds()

    def rate(name: str | None) -> float | None:
        total = None if name is None else _total(name, profile, counts)
        return None if total is None else total / seconds

    dollars = rate(log.cost or DOLLARS)
    return Traffic(
        requests=counts.rows / seconds,
        tokens_in=rate(log.tokens_in),
        tokens_out=rate(log.tokens_out),
        dollars=None if dollars is None else dollars * 3600,
    )


def embedding_distances(log: Generation, profile: Profile, counts: Counts) -> dict[str, Estimate]:
    """How far the centroid of each column of embeddings is from the reference's, over the spread of the reference.

    Random projections keep the square of the distance and that of the spread (the trace of the covariance) in the mean; the
    distance of a window without a change is about the root of 1/n.
    """
    return {f"embedding_distance/{one.column}": _distance(one, profile, counts) for one in log.embeddings}


def _distance(embedding: Embedding, profile: Profile, counts: Counts) -> Estimate:
    grid = profile.grid
    places = [k for k, name in enumerate(grid.names) if name in embedding.names and grid.sd[k] > 0]
    rows = counts.cells[places].sum(axis=1)
    if not places or not rows.all():
        return NOTHING
    moved = counts.sums[places].sum(axis=1) / rows - grid.mean[places]
    distance = math.sqrt(float(np.square(moved).sum() / np.square(grid.sd[places]).sum()))
    n = int(rows.min())
    reach = _Z / math.sqrt(n)
    return Estimate(distance, max(distance - reach, 0.0), distance + reach, n)


def _total(name: str, profile: Profile, counts: Counts) -> float | None:
    """The sum of the finite values of a numeric feature; None where it is not counted."""
    if name not in profile.grid.names or name in counts.absent or name in counts.retyped:
        return None
    k = profile.grid.names.index(name)
    return float(counts.sums[k].sum()) + profile.grid.origins[k] * int(counts.cells[k].sum())
