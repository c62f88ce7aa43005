"""What a training of a model costs, where the settings limit that."""

from datetime import datetime, timedelta

from core.events import RunStatus
from core.retraining.cost import RunCost, run_cost
from core.retraining.start import BUDGET, Claim, recent
from core.settings import Retraining
from functions.adapters.pipelines import COLLECTION, read_pipeline
from functions.adapters.ports import Store, Warehouse
from functions.adapters.training import history

_DAY = timedelta(days=1)


def cost_of_one(
    store: Store, warehouse: Warehouse, policy: Retraining, claim: Claim | None, now: datetime
) -> RunCost | None:
    """The cost of one training, or None where it is not known or not limited.

    Raises:
        QueryError: the warehouse refuses.
        UnavailableError: store or warehouse does not answer.
    """
    if policy.budget_dollars is None or policy.pipeline is None:
        return None
    found = history.billed(warehouse, policy.pipeline.label, now - BUDGET, now)
    # Those of a day that is not billed yet are no part of the sum.
    n_billed = sum(at < found[1] + _DAY for at in recent(claim, now)) if found else 0
    durations = _durations(store, policy.pipeline.name)
    return run_cost(policy, billed=found[0] if found else None, n_billed=n_billed, durations=durations)


def _durations(store: Store, pipeline: str) -> list[timedelta]:
    """How long the runs of a pipeline took that succeeded, as far as they are remembered."""
    document = store.get(COLLECTION, pipeline)
    runs = read_pipeline(document.data).runs if document else ()
    seconds = [run.span.seconds for run in runs if run.span.status is RunStatus.SUCCEEDED]
    return [timedelta(seconds=one) for one in seconds if one is not None]
