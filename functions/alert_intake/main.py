"""Receives alerts of other systems, from Pub/Sub and as webhooks, and publishes them as findings."""

import os
from functools import partial

from functions.alert_intake.admission import Admission
from functions.alert_intake.intake import NAME, Intake
from functions.alert_intake.respond import respond
from functions.runtime.authenticator import Authenticator, open_authenticator
from functions.runtime.endpoint import Answer, serve
from functions.runtime.ports import Ports


def build(ports: Ports, authenticator: Authenticator | None = None) -> Answer:
    """What answers push requests and webhooks; the authenticator is that of the environment, where none is given."""
    intake = Intake(bus=ports.bus, park=ports.park, metrics=ports.metrics)
    admission = Admission()
    authenticator = authenticator or open_authenticator(os.environ, token="AIA_INTAKE_TOKEN")  # noqa: S106 - the name of a variable
    return partial(respond, ports=ports, intake=intake, authenticator=authenticator, admission=admission)


main = serve(NAME, build)
