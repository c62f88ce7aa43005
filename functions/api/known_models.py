"""The models as far as they are known at once: what people need at night does not wait for their table."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from core.errors import AiaError, UnavailableError
from core.settings import Model
from functions.api.cache import Cache

log = logging.getLogger(__name__)
_FRESH_SECONDS = 10.0
_PATIENCE = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownModels:
    """Gives the models by name.

    Attributes:
        models: those of the settings and of the table; raises where the table does not answer.
        given: those of the settings, which are known for a while after the table did not answer, or not soon.
    """

    models: Callable[[], Mapping[str, Model]]
    given: Mapping[str, Model]
    _cache: Cache = field(default_factory=Cache)

    def __call__(self) -> Mapping[str, Model]:
        """The models, or those of the settings alone."""
        try:
            return self._cache.within(_PATIENCE, ("models",), self._read, seconds=_FRESH_SECONDS)
        except UnavailableError as error:
            log.warning("models of the settings only: %s", error)
            return self.given

    def _read(self) -> Mapping[str, Model]:
        try:
            return self.models()
        except AiaError as error:
            log.warning("models of the settings only: %s", error)
            return self.given
