"""Which secrets the settings name, and which function reads each; pure functions of the settings, as infra/terraform/secrets.tf has them."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

USERS_OF_SECTION: Final[Mapping[str, tuple[str, ...]]] = {
    "channels": ("incident_router", "incident_sweep"),
    "probes": ("health_check",),
    "resources": ("action_runner",),
    "surveys": ("api",),
    "channels of reports": ("bi_rollup",),
    "command_intake.slack": ("command_intake",),
    "command_intake.pagerduty": ("command_intake",),
    "command_intake.links": ("command_intake", "incident_router", "incident_sweep"),
    "registry.mlflow.token": ("pipeline_monitor", "promotion"),
    "registry.mlflow.webhook_secret": ("command_intake",),
}
USERS_OF_SECRET: Final[Mapping[str, tuple[str, ...]]] = {
    "AIA_INTAKE_TOKEN": ("alert_intake",),
    "AIA_OTLP_TOKEN": ("otlp",),
    "AIA_REDIS_PASSWORD": ("action_runner",),
    "AIA_SILENCES_TOKEN": ("alert_intake",),
}
"""Those that are read from the environment by themselves."""
_NAME = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def named(settings: Mapping[str, Any]) -> set[str]:
    """Every `${NAME}` in the settings.

    >>> sorted(named({"channels": [{"url": "${INBOX}?to=${WHO}"}], "jobs": {}}))
    ['INBOX', 'WHO']
    """
    return {name for text in _texts(settings) for name in _NAME.findall(text)}


def readers(settings: Mapping[str, Any], secrets: Collection[str]) -> dict[str, set[str]]:
    """The functions that read each secret.

    Args:
        settings: as they stand in the file.
        secrets: the names.

    >>> readers({"channels": [{"key": "${PAGER}"}]}, ["PAGER"])["PAGER"] == {"incident_router", "incident_sweep"}
    True
    """
    sections = dict(_sections(settings))
    return {
        secret: {
            function
            for section, users in USERS_OF_SECTION.items()
            if secret in named({"": sections.get(section, "")})
            for function in users
        }
        | {*USERS_OF_SECRET.get(secret, ())}
        for secret in secrets
    }


def placeholders(settings: Mapping[str, Any], secrets: Collection[str]) -> dict[str, str]:
    """What stands in place of each secret that the settings name, where a function does not read it.

    It is no key of anything, in a form that the settings take, and another one for each: two channels must not lead to the same place.

    >>> placeholders({"channels": [{"url": "${HOOK}"}, {"key": "${PAGER}"}]}, ["HOOK", "PAGER", "AIA_OTLP_TOKEN"])
    {'HOOK': 'https://withheld.invalid/HOOK', 'PAGER': '00000000000000000000000000000002'}
    """
    probes = settings.get("probes") or []
    steps = [step for probe in probes for step in probe.get("steps") or []]
    addresses = {str(one.get("url", "")) for one in (*(settings.get("channels") or []), *probes, *steps)}
    order = sorted(secrets)
    return {
        name: f"https://withheld.invalid/{name}" if f"${{{name}}}" in addresses else f"{order.index(name):032d}"
        for name in order
        if name in named(settings)
    }


def _sections(settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from settings.items()
    yield from ((f"command_intake.{name}", one) for name, one in (settings.get("command_intake") or {}).items())
    mlflow = (settings.get("registry") or {}).get("mlflow") or {}
    yield from ((f"registry.mlflow.{name}", one) for name, one in mlflow.items())
    reported = {name for report in settings.get("reports") or [] for name in report["to"]}
    yield "channels of reports", [one for one in settings.get("channels") or [] if one.get("name") in reported]


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
