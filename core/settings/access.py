"""The section `access`: who may do what over the API, by the account that Identity-Aware Proxy has signed in."""

from dataclasses import dataclass
from typing import Annotated

from core.settings.kinds import AnyPattern
from core.settings.notes import Items


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Roles of accounts; each role may do what the ones before it may, and every account that is signed in may read."""

    responders: Annotated[tuple[AnyPattern, ...], Items(unique=True)] = ()
    """Accounts that may answer incidents, silence targets, test channels, send reports and decide recommendations: patterns of e-mail addresses."""
    operators: Annotated[tuple[AnyPattern, ...], Items(unique=True)] = ()
    """Accounts that may also approve and reject actions, halt and resume, retrain, promote and roll back, and send dead letters and answers."""
    admins: Annotated[tuple[AnyPattern, ...], Items(unique=True)] = ()
    """Accounts that may also change and remove models."""
