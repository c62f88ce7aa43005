"""Performance of a ranking model, from its scores and the relevance of what was ranked.

References:
    Järvelin and Kekäläinen (2002), Cumulated gain-based evaluation of IR techniques.
    McSherry and Najork (2008), Computing information retrieval performance measures efficiently in the presence of tied scores.
    scikit-learn, ndcg_score: relevance is the gain, and the discount is the logarithm to base 2.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.drift.columns import Column, Floats, Ints, ProfileError, array, spell_all
from core.performance.columns import floats, require_equal, require_within
from core.performance.intervals import Estimate, mean
from core.performance.meter import Estimator, Measures
from core.performance.rows import Rows


def ndcg(query: Column, score: Column, relevance: Column, *, cutoff: int = 10) -> Estimate:
    """Normalized discounted cumulative gain of the first places, the mean over queries.

    A query counts where at least two of its rows have a relevance and one of them is relevant: of any other one every order
    is as good. The places of equal scores are averaged.

    Args:
        query: what each row is ranked for, shape (n,).
        score: the higher, the earlier; shape (n,).
        relevance: 0 and up, shape (n,); rows that have none are passed over.
        cutoff: so many places count, at least 1.

    Returns:
        The mean with the interval of queries drawn at random; its rows are queries.

    Raises:
        ProfileError: the lengths differ, a relevance is below 0.

    >>> ndcg(["a", "a", "b", "b"], [0.9, 0.1, 0.2, 0.7], [1, 0, 1, 0]).value.__round__(4)
    0.8155
    """
    s, r = floats("score", score), floats("relevance", relevance)
    require_equal("query", len(query), "score", s.size)
    require_equal("query", len(query), "relevance", r.size)
    words = array("query", query)
    known = ~(np.isnan(s) | np.isnan(r)) & np.array([word is not None for word in words.tolist()], dtype=bool)
    s, r = s[known], r[known]
    require_within("relevance", r, r >= 0, "0 or more")
    _, codes = np.unique(np.array(spell_all(words[known].tolist()), dtype=str), return_inverse=True)
    if not codes.size:
        return mean(s)
    found, best = _gain(codes, s, r, cutoff), _gain(codes, r, r, cutoff)
    counts = np.bincount(codes) > 1
    judged = (best > 0) & counts
    return mean(found[judged] / best[judged])


def _gain(codes: Ints, score: Floats, relevance: Floats, cutoff: int) -> Floats:
    """The discounted gain of each query, the places of equal scores averaged; shape (queries,)."""
    order = np.lexsort((-score, codes))
    query, ordered = codes[order], score[order]
    starts = np.flatnonzero(np.r_[True, query[1:] != query[:-1]])
    place = np.arange(query.size) - np.repeat(starts, np.diff(np.r_[starts, query.size]))
    discount = np.where(place < cutoff, 1 / np.log2(place + 2), 0.0)
    ties = np.flatnonzero(np.r_[True, (query[1:] != query[:-1]) | (ordered[1:] != ordered[:-1])])
    sizes = np.diff(np.r_[ties, query.size])
    averaged = np.repeat(np.add.reduceat(discount, ties) / sizes, sizes)
    total: Floats = np.bincount(query, weights=relevance[order] * averaged).astype(np.float64)
    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingMeter:
    """Measures ranking models: labels are relevances, 0 and up.

    Attributes:
        cutoff: so many places count.
    """

    cutoff: int = 10

    def measure(self, rows: Rows) -> Measures:
        """NDCG of the first places.

        Raises:
            ProfileError: there is no query, a score or a relevance is not what it must be.
        """
        if rows.query is None:
            raise ProfileError("query: must be given where the task is ranking, got None")
        return {"ndcg": ndcg(rows.query, rows.score, rows.label, cutoff=self.cutoff)}

    def learn(self, rows: Rows) -> None:  # noqa: ARG002 - the signature of a meter
        """No estimator: a score says nothing of the relevance of what was not ranked."""
        return

    def load(self, data: Mapping[str, Any]) -> Estimator:
        """There is none to load.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"data: must be None where the task is ranking, got {sorted(data)}")
