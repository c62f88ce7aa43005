"""Problems of Zabbix, from a media type of type webhook.

{"hostname": "...", "severity": "High", "status": "PROBLEM", "item": "...", "trigger": "...", "link": "https://..."}
"""

from collections.abc import Iterable
from datetime import datetime

from functions.alert_intake import targets, words
from functions.alert_intake.alert import Alert, Outcome, one
from functions.alert_intake.format import Format
from functions.alert_intake.reading import Json, first, text


def recognise(body: Json) -> bool:
    """Whether it is an object with a host, a trigger and a status."""
    return isinstance(body, dict) and {"hostname", "trigger", "status"} <= body.keys()


def findings(body: Json, now: datetime) -> Iterable[Outcome]:
    """One finding."""
    return one(body, lambda problem: _alert(problem, now))


FORMAT = Format("zabbix", recognise, findings)


def _alert(body: Json, now: datetime) -> Alert:
    """The trigger of a host is one condition; the item shows its newest value, so it distinguishes nothing."""
    return Alert(
        source="zabbix",
        name=text(body.get("trigger")),
        target=targets.make("host", text(body.get("hostname"))),
        status=words.status(text(body.get("status"))),
        severity=words.severity(text(body.get("severity"))),
        now=now,
        summary=(first(body, "trigger"),),
        evidence={"item": first(body, "item")},
        links=(first(body, "link"),),
    )
