"""Webhooks of MLflow's registry: a version was registered, or a tag of it was set.

model_version created, model_version_tag set     published, for pipeline_monitor to ask MLflow what the version is
anything else                                    nothing

The answer is 200 where there is nothing to do; MLflow repeats a delivery after 429 and 5xx. A repetition is published again, and taken
once.

Source: mlflow.org, "Webhooks"; `mlflow/webhooks/types.py` of MLflow 3.
"""

from dataclasses import dataclass

import flask
import msgspec

from core.events import RegistryChange
from functions.command_intake import signatures
from functions.command_intake.commands import Commands
from functions.command_intake.reply import Outcome, empty, error

TOPIC = "pipeline-runs"
_TAKEN = frozenset({("model_version", "created"), ("model_version_tag", "set")})


class _Version(msgspec.Struct):
    name: str = ""
    version: str = ""


class _Webhook(msgspec.Struct):
    entity: str
    action: str
    data: _Version


_decoder = msgspec.json.Decoder(_Webhook)


@dataclass(frozen=True, slots=True)
class Mlflow:
    """Takes webhooks.

    Attributes:
        secret: of the webhook.
        commands: has the bus and the clock.
    """

    secret: str
    commands: Commands

    def __call__(self, request: flask.Request, body: bytes) -> Outcome:
        """Answer a webhook.

        Raises:
            UnavailableError: the bus does not answer.
        """
        headers, now = request.headers, self.commands.clock()
        signed = signatures.mlflow(
            self.secret,
            body,
            delivery=headers.get("X-MLflow-Delivery-Id", ""),
            timestamp=headers.get("X-MLflow-Timestamp", ""),
            signature=headers.get("X-MLflow-Signature", ""),
            now=now,
        )
        if not signed:
            return "refused", error(401, "X-MLflow-Signature: must be of our webhook, at most five minutes old")
        try:
            webhook = _decoder.decode(body)
        except (ValueError, RecursionError) as fault:
            return "parked", error(400, f"body: {fault}")
        if (webhook.entity, webhook.action) in _TAKEN and webhook.data.name and webhook.data.version:
            at = signatures.sent_at(headers["X-MLflow-Timestamp"])
            change = RegistryChange(
                registry="mlflow", model=webhook.data.name, number=webhook.data.version, changed_at=at
            )
            self.commands.bus().publish(TOPIC, change)
        return "done", empty()
