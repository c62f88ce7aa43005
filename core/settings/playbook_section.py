"""The sections `playbooks`, `automation` and `resources` of monitoring.yaml: what is done by itself, and on what."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from core.events import Mode
from core.settings.network import address
from core.settings.people_section import read_when
from core.settings.reader import Node, Read, Section, WrongError, list_of, mapping_of, section
from core.settings.response import ActionName, Automation, Deed, Limits, Playbook, Resource
from core.settings.scalars import duration, matching, member, named, one_of, service_account, target, truth, whole

_NEEDS: Mapping[ActionName, str] = MappingProxyType(
    {
        ActionName.RESTART_SERVICE: "service",
        ActionName.SCALE_OUT: "service",
        ActionName.ROLLBACK_MODEL: "endpoint",
        ActionName.SHIFT_TRAFFIC: "endpoint",
        ActionName.CANCEL_PIPELINE: "pipeline",
        ActionName.RERUN_PIPELINE: "pipeline",
        ActionName.FLUSH_CACHE: "redis",
        ActionName.REVOKE_ACCESS: "service_account",
        ActionName.COLLECT_DIAGNOSTICS: "logs",
    }
)
"""The resource that an action acts on; retraining needs the model itself."""
_action = member(ActionName)
_USUAL = Automation()
_PROJECT = r"projects/(?:[a-z][a-z0-9-]{4,28}[a-z0-9]|[0-9]{6,20})/locations/[a-z][a-z0-9-]{1,40}"
_LONGEST_FILTER = 2000


def read_playbooks(top: Section, resources: Mapping[str, Resource]) -> tuple[Playbook, ...]:
    """All playbooks.

    Args:
        top: of the whole file.
        resources: read before; what an action acts on must be among them where its target is written down.
    """
    unsure = any(fault.path.startswith("resources") for fault in top.node.reader.faults)
    deed = _deed(None if unsure else resources)
    return top.optional("playbooks", list_of(section(lambda inner: _playbook(inner, deed))), ())


def _playbook(top: Section, deed: Read[Deed]) -> Playbook:
    """One playbook. It must say when: one for every incident says so by `when: {}`."""
    return Playbook(
        name=top.required("name", named("playbook")),
        when=top.required("when", section(read_when)),
        do=top.required("do", list_of(deed, at_least=1, once=True)),
        mode=top.optional("mode", _mode, Mode.DRY_RUN),
    )


def _deed(resources: Mapping[str, Resource] | None) -> Read[Deed]:
    def read(node: Node) -> Deed:
        if isinstance(node.value, dict):
            return section(lambda top: _on_target(top, resources))(node)
        if not isinstance(node.value, str):
            raise WrongError("must be an action, or a mapping of action and target")
        return Deed(action=_action(node))

    return read


def _on_target(top: Section, resources: Mapping[str, Resource] | None) -> Deed:
    deed = Deed(action=top.required("action", _action), target=top.optional("target", target, ""))
    if top.sound and deed.target and resources is not None:
        lacking = _lacking(deed, resources.get(deed.target, Resource()))
        if lacking:
            top.fault("target", lacking, deed.target)
    return deed


def _lacking(deed: Deed, resource: Resource) -> str:
    """What the target of an action must be and is not; empty where it is right."""
    if deed.action is ActionName.RETRAIN_MODEL:
        return "" if deed.target.startswith("model/") else "must be a model, for retrain_model"
    need = _NEEDS[deed.action]
    return "" if getattr(resource, need) else f"must be a target whose resources name a {need}, for {deed.action}"


def _mode(node: Node) -> Mode:
    return Mode(one_of("dry_run", "dry-run", "act")(node).replace("-", "_"))


def read_automation(top: Section) -> Automation:
    """The guard rails of all actions together."""
    limits = top.optional("limits", mapping_of(_action, section(_limits)), {}) or {}
    return Automation(
        enabled=top.optional("enabled", truth, _USUAL.enabled),
        per_hour=top.optional("per_hour", whole(0, 100), _USUAL.per_hour),
        approval_expires=top.optional("approval_expires", duration("1m", "7d"), _USUAL.approval_expires),
        verify_after=top.optional("verify_after", duration("0s", "1d"), _USUAL.verify_after),
        limits=MappingProxyType(limits),
    )


def _limits(top: Section) -> Limits:
    return Limits(
        cooldown=top.optional("cooldown", duration("0s", "30d"), None),
        per_hour=top.optional("per_hour", whole(0, 100), None),
        approval=top.optional("approval", truth, None),
        blast_radius=top.optional("blast_radius", whole(1, 10_000_000), None),
    )


def read_resources(top: Section) -> Mapping[str, Resource]:
    """What targets are in the cloud, by target."""
    return MappingProxyType(top.optional("resources", mapping_of(target, section(_resource)), {}) or {})


def _resource(top: Section) -> Resource:
    resource = Resource(
        service=top.optional("service", _service, ""),
        endpoint=top.optional("endpoint", _endpoint, ""),
        pipeline=top.optional("pipeline", _pipeline, ""),
        location=top.optional("location", _location, ""),
        redis=top.optional("redis", _redis, ""),
        prefix=top.optional("prefix", _prefix, ""),
        service_account=top.optional("service_account", service_account, ""),
        logs=top.optional("logs", _filter, ""),
    )
    if top.sound:
        _check_pairs(top, resource)
    return resource


def _check_pairs(top: Section, resource: Resource) -> None:
    for given, needed in (("pipeline", "location"), ("location", "pipeline"), ("prefix", "redis")):
        if getattr(resource, given) and not getattr(resource, needed):
            top.fault(needed, f"must be given where there is a {given}", None)


def _filter(node: Node) -> str:
    if not isinstance(node.value, str) or not 0 < len(node.value) <= _LONGEST_FILTER:
        raise WrongError(f"must be a filter of Cloud Logging of 1 to {_LONGEST_FILTER} characters")
    return node.value


def _redis(node: Node) -> str:
    """`host:port` or `host:port/database`."""
    place, separator, database = node.value.partition("/") if isinstance(node.value, str) else ("", "", "")
    try:
        address(Node(node.reader, node.path, place))
    except WrongError as error:
        raise WrongError("must be host:port or host:port/database, as in 'cache.example.com:6379/0'") from error
    if separator and not re.fullmatch(r"[0-9]{1,5}", database):
        raise WrongError("must be host:port/database, the database a number")
    return f"{place}{separator}{database}"


_service = matching(
    rf"{_PROJECT}/services/[a-z](?:[a-z0-9-]{{0,47}}[a-z0-9])?", "must be projects/P/locations/L/services/S"
)
_endpoint = matching(rf"{_PROJECT}/endpoints/[a-z0-9-]{{1,63}}", "must be projects/P/locations/L/endpoints/E")
_location = matching(_PROJECT, "must be projects/P/locations/L")
_pipeline = matching(r"[^\"\\\x00-\x1f\x7f]{1,128}", 'must be a display name of 1 to 128 characters, without " and \\')
_prefix = matching(r"[!-)+->@-Z^-~]{1,200}", "must be the beginning of keys: no space, and none of * ? [ ] \\")
