"""Receives alerts of other systems, from Pub/Sub and as webhooks, and publishes them as findings."""

import os
from collections.abc import Callable, Sequence
from functools import partial

from core.settings import AlertIntakeSettings, AlertSender
from functions.adapters import config
from functions.alert_intake.admission import Admission, one_arena
from functions.alert_intake.formats import of_replicas
from functions.alert_intake.intake import NAME, Intake
from functions.alert_intake.mapped import SECTIONS, formats
from functions.alert_intake.reading import Json
from functions.alert_intake.respond import respond
from functions.alert_intake.silences_api import SilencesApi
from functions.alert_intake.sns import Signatures
from functions.runtime.authenticator import Authenticator, open_authenticator
from functions.runtime.endpoint import Answer, serve
from functions.runtime.ports import Ports


def build(
    ports: Ports,
    authenticator: Authenticator | None = None,
    senders: Sequence[AlertSender] | None = None,
    given: AlertIntakeSettings | None = None,
    check: Callable[[Json], None] | None = None,
) -> Answer:
    """What answers push requests and webhooks; the authenticator is that of the environment, the mappings are those of the settings."""
    if senders is None:
        settings = config.load(only=SECTIONS)
        senders, given = settings.alert_senders, settings.alert_intake
    given = given or AlertIntakeSettings()
    intake = Intake(
        bus=ports.bus,
        park=ports.park,
        metrics=ports.metrics,
        store=lambda: ports.store,
        settings=given,
        check=check or Signatures(ports.clock).check,
        formats=(*formats(senders), *of_replicas(given.replica_labels)),
    )
    authenticator = authenticator or open_authenticator(os.environ, token="AIA_INTAKE_TOKEN")  # noqa: S106 - the name of a variable
    silences = SilencesApi(
        token=os.environ.get("AIA_SILENCES_TOKEN", ""),
        store=lambda: ports.store,
        bus=lambda: ports.bus,
        clock=ports.clock,
    )
    return partial(
        respond, ports=ports, intake=intake, authenticator=authenticator, admission=Admission(), silences=silences
    )


one_arena()
main = serve(NAME, build, largest=None)
