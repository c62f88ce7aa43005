"""Recommendations that lower costs: what is recommended, what people decided, and what was saved."""

from dataclasses import dataclass
from pathlib import Path

from core.business.savings import DECIDED
from functions.adapters.ports import Clock, Data, Warehouse
from functions.api.body import read
from functions.api.request import Request

TABLE = "ops.recommendation_decisions"
MOST = 500
_SQL = (Path(__file__).parent / "recommendations.sql").read_text()


@dataclass(frozen=True, slots=True)
class Recommendations:
    """Reads recommendations, and writes decisions on them.

    Attributes:
        warehouse: where they are.
        clock: when a decision is made.
    """

    warehouse: Warehouse
    clock: Clock

    def all(self) -> list[Data]:
        """The recommendations with their state, those that save most first."""
        return self.warehouse.query(_SQL, most=MOST)

    def decide(self, request: Request) -> Data:
        """Write a decision: it counts for what is saved from the next run of the rollup on.

        Raises:
            BodyError: the body is invalid.
            LookupError: there is no such recommendation.
        """
        fields = read(request)
        fields.only("key", "state", "by", "note")
        state = fields.choice("state", tuple(state.value for state in DECIDED))
        by, note = fields.by(), fields.note()
        fields.check()
        key = str(fields.body.get("key", ""))
        if key not in {row["key"] for row in self.all()}:
            raise LookupError(f"key: there is no recommendation {key[:200]!r}")
        decision = {"key": key, "state": state, "decided_by": by, "note": note, "decided_at": self.clock()}
        self.warehouse.append(TABLE, [decision])
        return decision
