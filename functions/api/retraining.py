"""A person requests that a model is trained again."""

from collections.abc import Callable
from dataclasses import dataclass

from werkzeug.exceptions import Conflict

from core.errors import Fault
from core.events import RetrainingRequest
from core.retraining import training_span
from core.retraining.start import PERSON
from functions.adapters.ports import Bus, Clock, Data, Warehouse
from functions.adapters.training import history
from functions.api.body import BodyError, read
from functions.api.request import Request
from functions.services.models import Models

TOPIC = "retraining"


@dataclass(frozen=True, slots=True)
class Trainings:
    """Publishes requests; what comes of one is decided by `retrain`, as of any other.

    Attributes:
        models: of the deployment.
        warehouse: knows which version is in use.
        bus: opens the bus at its first use.
        clock: now.
    """

    models: Models
    warehouse: Warehouse
    bus: Callable[[], Bus]
    clock: Clock

    def request(self, request: Request, name: str) -> Data:
        """Request a training on the newest data whose labels are due; the id of the request.

        Raises:
            LookupError: there is no such model.
            BodyError: the body is invalid, or has no note.
            Conflict: nothing trains the model, or no version of it is in use.
            UnavailableError: the warehouse or the bus does not answer.
        """
        fields = read(request)
        fields.only("by", "note")
        by, note = fields.by(), fields.note()
        fields.check()
        if not note:
            raise BodyError([Fault("note", "must say why", note)])
        model = self.models.all().get(name)
        if model is None:
            raise LookupError(f"model: no model is called {name[:80]!r}")
        policy = model.retraining
        if model.label is None or policy is None or policy.pipeline is None:
            raise Conflict(f"{name}: must have a label and a retraining.pipeline to be trained: no pipeline")
        now = self.clock().replace(microsecond=0)
        version = history.version_in_use(self.warehouse, name, now)
        if not version:
            raise Conflict(f"{name}: must have a version in use to be replaced, has none")
        span = training_span(policy, model.label, now)
        asked = RetrainingRequest(
            model=name,
            model_version=version,
            requested_at=now,
            reason=PERSON,
            window_start=span.start,
            window_end=span.end,
            n_labels=0,
            requested_by=f"person:{by}",
            note=note,
        )
        self.bus().publish(TOPIC, asked)
        return {"request": asked.id, "model_version": version}
