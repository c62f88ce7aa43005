"""What a saved promotion still has to do outside: the traffic of the endpoint, the table of aliases, the registries, in this order.

An alias says who serves, so that it follows the traffic: where the endpoint does not answer, or refuses, neither is changed, and
the next tick tries again. A step is watched from when its traffic is in place.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from core.errors import ActionError, UnavailableError
from core.instants import stamp
from core.promotion import PromotionState, in_place
from core.settings import Model
from functions.adapters.logs import fields
from functions.adapters.ports import Document, Store, Warehouse
from functions.adapters.registries import aliases
from functions.adapters.registries.port import ModelRegistry
from functions.promotion.traffic import Traffic
from functions.services.promotions import COLLECTION, Record, read_record, record_data

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Carries out what is saved.

    Attributes:
        store: has the documents.
        warehouse: has the table of aliases.
        traffic: of endpoints.
        registries: where aliases are set as well; opened at the first change.
    """

    store: Store
    warehouse: Warehouse
    traffic: Traffic
    registries: Callable[[], Sequence[ModelRegistry]]

    def carry_out(self, model: Model, document: Document, at: datetime) -> Document:
        """Carry out what is not carried out yet; what a registry does not take waits for the next tick, and delays nothing.

        Args:
            model: of the promotion.
            document: as it was saved.
            at: now.

        Raises:
            ConflictError: another instance decided at the same moment.
            UnavailableError: the endpoint, the table or the store does not answer.
        """
        document = self._moved(model, document, at)
        record = read_record(document)
        if record.move is not None or not record.unsent:
            return document
        for change in record.unsent:
            aliases.write(change, self.warehouse)
        try:
            aliases.set_aliases(record.unsent, self.registries())
        except UnavailableError as error:
            log.warning("aliases not set yet: %s", error, extra=fields(model=model.name))
            return document
        except ActionError:
            log.exception(
                "aliases refused by the registry; the table of aliases counts", extra=fields(model=model.name)
            )
        return self._saved(document, replace(record, unsent=()))

    def _moved(self, model: Model, document: Document, at: datetime) -> Document:
        """The document once the traffic is moved, where it has to be, or with the reason why it cannot be."""
        record = read_record(document)
        if record.move is None or record.state is None:
            return document
        try:
            self.traffic.move(model, record.move, _key(record.state))
        except ActionError as error:
            log.error("traffic not moved: %s", error, extra=fields(model=model.name))  # noqa: TRY400 - the message says why
            waiting = replace(record, waits=str(error))
            return document if waiting == record else self._saved(document, waiting)
        return self._saved(document, _in_place(record, record.state, at))

    def _saved(self, document: Document, record: Record) -> Document:
        return self.store.replace(document, COLLECTION, record_data(record))


def _key(state: PromotionState) -> str:
    """The same for every attempt at one change of the traffic."""
    return f"{state.experiment}:{state.stage}:{stamp(state.changed_at)}"


def _in_place(record: Record, state: PromotionState, at: datetime) -> Record:
    """The record once the traffic is as it says; what changed aliases with it did so at the same instant."""
    after = in_place(state, at)
    unsent = tuple(
        replace(one, changed_at=after.changed_at) if one.changed_at == state.changed_at else one
        for one in record.unsent
    )
    return Record(state=after, unsent=unsent)
