"""What is done about incidents by itself, as the settings say it: playbooks, guard rails and resources."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.events import Mode, Severity
from core.settings import ActionName, Automation, Category, Deed, Limits, Playbook, Resource, When, parse
from tests.support.builders import settings as support
from tests.support.builders.settings import JUNK, MODEL, Path, faults, places, told

SERVICE = "projects/my-project/locations/europe-west1/services/shop"
ENDPOINT = "projects/123456789/locations/europe-west1/endpoints/4711"
SAMPLE: dict[str, Any] = {
    "version": 1,
    "jobs": {"incident_sweep": "* * * * *", "action_runner": "* * * * *"},
    "models": [MODEL],
    "resources": {
        "service/shop": {"service": SERVICE, "logs": 'resource.type="cloud_run_revision"\nseverity>=ERROR'},
        "model/flight-delay": {"endpoint": ENDPOINT},
        "pipeline/nightly": {"pipeline": "Nightly training", "location": "projects/my-project/locations/europe-west1"},
        "cache/main": {"redis": "10.0.0.7:6379/1", "prefix": "page:"},
        "account/ci": {"service_account": "ci-deployer@my-project.iam.gserviceaccount.com"},
    },
    "playbooks": [
        {
            "name": "drifted",
            "when": {"category": ["drift"], "severity": ["error", "critical"]},
            "do": ["retrain_model", {"action": "flush_cache", "target": "cache/main"}],
            "mode": "act",
        },
        {"name": "any", "when": {}, "do": ["collect_diagnostics"]},
    ],
    "automation": {
        "enabled": False,
        "per_hour": 4,
        "approval_expires": "10m",
        "verify_after": "90s",
        "limits": {
            "restart_service": {"cooldown": "15m", "per_hour": 2, "approval": True, "blast_radius": 1},
            "flush_cache": {},
        },
    },
}
DO = ("playbooks", 0, "do")
IN_SHOP, IN_PIPELINE, IN_CACHE = (
    ("resources", f"{name}") for name in ("service/shop", "pipeline/nightly", "cache/main")
)


def changed(path: Path, value: object) -> dict[str, Any]:
    return support.changed(SAMPLE, path, value)


def test_playbooks_are_read_whole() -> None:
    assert parse(SAMPLE).playbooks == (
        Playbook(
            name="drifted",
            when=When(category=frozenset({Category.DRIFT}), severity=frozenset({Severity.ERROR, Severity.CRITICAL})),
            do=(
                Deed(action=ActionName.RETRAIN_MODEL),
                Deed(action=ActionName.FLUSH_CACHE, target="cache/main"),
            ),
            mode=Mode.ACT,
        ),
        Playbook(name="any", when=When(), do=(Deed(action=ActionName.COLLECT_DIAGNOSTICS),), mode=Mode.DRY_RUN),
    )


@pytest.mark.parametrize(("mode", "read"), [("dry_run", Mode.DRY_RUN), ("dry-run", Mode.DRY_RUN), ("act", Mode.ACT)])
def test_a_dry_run_may_be_spelt_both_ways(mode: str, read: Mode) -> None:
    assert parse(changed(("playbooks", 0, "mode"), mode)).playbooks[0].mode is read


def test_the_guard_rails_are_read_whole() -> None:
    assert parse(SAMPLE).automation == Automation(
        enabled=False,
        per_hour=4,
        approval_expires=timedelta(minutes=10),
        verify_after=timedelta(seconds=90),
        limits={
            ActionName.RESTART_SERVICE: Limits(
                cooldown=timedelta(minutes=15), per_hour=2, approval=True, blast_radius=1
            ),
            ActionName.FLUSH_CACHE: Limits(),
        },
    )


def test_the_resources_are_read_whole() -> None:
    assert dict(parse(SAMPLE).resources) == {
        "service/shop": Resource(service=SERVICE, logs='resource.type="cloud_run_revision"\nseverity>=ERROR'),
        "model/flight-delay": Resource(endpoint=ENDPOINT),
        "pipeline/nightly": Resource(
            pipeline="Nightly training", location="projects/my-project/locations/europe-west1"
        ),
        "cache/main": Resource(redis="10.0.0.7:6379/1", prefix="page:"),
        "account/ci": Resource(service_account="ci-deployer@my-project.iam.gserviceaccount.com"),
    }


@pytest.mark.parametrize("redis", ["localhost:6379", "[::1]:6379/0", "cache.example.com:6380/15"])
def test_a_cache_is_a_host_a_port_and_perhaps_a_database(redis: str) -> None:
    assert parse(changed((*IN_CACHE, "redis"), redis)).resources["cache/main"].redis == redis


@pytest.mark.parametrize(
    "account",
    [
        "123456-compute@developer.gserviceaccount.com",
        "my-project@appspot.gserviceaccount.com",
        "ci@my-project.iam.gserviceaccount.com",
    ],
)
def test_every_form_of_a_service_account_is_taken(account: str) -> None:
    raw = changed(("resources", "account/ci", "service_account"), account)
    assert parse(raw).resources["account/ci"].service_account == account


def test_what_is_left_out_is_what_the_types_say() -> None:
    settings = parse({"version": 1, "jobs": {}})
    assert (settings.playbooks, settings.automation, dict(settings.resources)) == ((), Automation(), {})
    assert parse({"version": 1, "jobs": {}, "automation": {}}).automation == Automation()


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        (("playbooks", 1, "name"), "drifted", "playbooks[1].name: must be unique among the playbook names, got"),
        (("playbooks", 0, "when"), ..., "playbooks[0].when: must be given, got None"),
        (("playbooks", 0, "when", "kind"), "x", "playbooks[0].when.kind: must be a known key: category, dollars_per_h"),
        (DO, [], "playbooks[0].do: must be a list of at least 1"),
        (DO, ["retrain_model", "retrain_model"], "playbooks[0].do[1]: must be named once, got 'retrain_model'"),
        (
            DO,
            [{"action": "flush_cache", "target": "cache/main"}] * 2,
            "playbooks[0].do[1]: must be named once, got 'a mapping of 2'",
        ),
        ((*DO, 0), "retrain", "playbooks[0].do[0]: must be one of restart_service, scale_out, scale_in, "),
        ((*DO, 0), 7, "playbooks[0].do[0]: must be an action, or a mapping of action and target, got 7"),
        ((*DO, 1, "action"), ..., "playbooks[0].do[1].action: must be given, got None"),
        ((*DO, 1, "tagret"), "x", "playbooks[0].do[1].tagret: must be a known key (perhaps 'target'), got 'tagret'"),
        ((*DO, 1, "target"), "main", "playbooks[0].do[1].target: must be a target: kind/name, the kind one of model, "),
        (
            ("playbooks", 0, "mode"),
            "dry run",
            "playbooks[0].mode: must be one of dry_run, dry-run, act (perhaps 'dry_run'), got",
        ),
        (("automation", "enabled"), "no", "automation.enabled: must be true or false, got 'no'"),
        (("automation", "per_hour"), 101, "automation.per_hour: must be 0 to 100, got 101"),
        (("automation", "approval_expires"), "30s", "automation.approval_expires: must be 1m to 7d"),
        (("automation", "verify_after"), "2d", "automation.verify_after: must be 0s to 1d"),
        (("automation", "limits", "restart"), {}, "automation.limits.restart: must be one of restart_service, "),
        (("automation", "limits", "flush_cache"), 1, "automation.limits.flush_cache: must be a mapping, got 1"),
        (
            ("automation", "limits", "restart_service", "blast_radius"),
            0,
            "automation.limits.restart_service.blast_radius: must be 1 to 10000000, got 0",
        ),
        (("resources", "shop"), {}, "resources.shop: must be a target: kind/name, the kind one of model, probe, "),
        (("resources", "model/x"), {}, "resources.model/x: must be the name of a model, got 'x'"),
        (
            (*IN_SHOP, "service"),
            "shop",
            "resources.service/shop.service: must be projects/P/locations/L/services/S, got",
        ),
        ((*IN_SHOP, "service"), ENDPOINT, "resources.service/shop.service: must be projects/P/locations/L/services/S"),
        ((*IN_SHOP, "service"), f"{SERVICE}/", "resources.service/shop.service: must be projects/P/locations/L/serv"),
        ((*IN_SHOP, "service"), f"{SERVICE}-", "resources.service/shop.service: must be projects/P/locations/L/serv"),
        ((*IN_SHOP, "logs"), "x" * 2001, "resources.service/shop.logs: must be a filter of Cloud Logging of 1 to 2000"),
        ((*IN_SHOP, "logs"), "", "resources.service/shop.logs: must be a filter of Cloud Logging of 1 to 2000"),
        (
            ("resources", "model/flight-delay", "endpoint"),
            SERVICE,
            "resources.model/flight-delay.endpoint: must be pro",
        ),
        ((*IN_PIPELINE, "location"), ..., "resources.pipeline/nightly.location: must be given where pipeline is gi"),
        ((*IN_PIPELINE, "pipeline"), ..., "resources.pipeline/nightly.pipeline: must be given where location is gi"),
        ((*IN_PIPELINE, "pipeline"), 'a"b', "resources.pipeline/nightly.pipeline: must be a display name of 1 to 128"),
        ((*IN_PIPELINE, "location"), "europe-west1", "resources.pipeline/nightly.location: must be projects/P/locati"),
        ((*IN_CACHE, "redis"), "cache", "resources.cache/main.redis: must be host:port or host:port/database, as in"),
        ((*IN_CACHE, "redis"), "cache:6379/", "resources.cache/main.redis: must be host:port/database, the database a"),
        ((*IN_CACHE, "redis"), "cache:6379/x", "resources.cache/main.redis: must be host:port/database, the database"),
        ((*IN_CACHE, "redis"), 6379, "resources.cache/main.redis: must be host:port or host:port/database, as in"),
        ((*IN_CACHE, "prefix"), "page:*", "resources.cache/main.prefix: must be the beginning of keys: no space, and"),
        (
            ("resources", "account/ci", "service_account"),
            "ci@example.com",
            "resources.account/ci.service_account: must be the e-mail address of a service account, as in 'ci@my",
        ),
        (("resources", "account/ci", "sevice"), SERVICE, "resources.account/ci.sevice: must be a known key (perhaps"),
    ],
)
def test_a_fault_names_the_key_what_is_allowed_and_what_was_given(path: Path, value: object, fault: str) -> None:
    [found] = faults(changed(path, value))
    assert found.startswith(fault)


def test_keys_of_a_cache_need_the_cache() -> None:
    raw = changed(IN_CACHE, {"prefix": "page:"})
    raw["playbooks"] = []
    assert faults(raw) == ["resources.cache/main.redis: must be given where prefix is given, got None"]


@pytest.mark.parametrize("character", ["*", "?", "[", "]", "\\", " ", "\n", "é"])
def test_what_a_cache_would_take_for_a_pattern_is_no_prefix(character: str) -> None:
    for prefix in (character, f"page{character}", f"{character}page", f"pa{character}ge"):
        [fault] = faults(changed((*IN_CACHE, "prefix"), prefix))
        assert "must be the beginning of keys" in fault


@pytest.mark.parametrize("prefix", ["a", "page:{7}", "~!#$%&'()+,-./0:;<=>@A^_`z{|}"])
def test_every_other_printable_character_may_begin_a_key(prefix: str) -> None:
    assert parse(changed((*IN_CACHE, "prefix"), prefix)).resources["cache/main"].prefix == prefix


@pytest.mark.parametrize("redis", ["redis://:hunter2@cache:6379/1", "default:hunter2@cache:6379"])
def test_no_fault_shows_the_password_of_a_cache(redis: str) -> None:
    [fault] = faults(changed((*IN_CACHE, "redis"), redis))
    assert "hunter2" not in fault


RIGHT = {
    "restart_service": "service/shop",
    "collect_diagnostics": "service/shop",
    "rollback_model": "model/flight-delay",
    "shift_traffic": "model/flight-delay",
    "retrain_model": "model/flight-delay",
    "cancel_pipeline": "pipeline/nightly",
    "rerun_pipeline": "pipeline/nightly",
    "flush_cache": "cache/main",
    "revoke_access": "account/ci",
}
SCALED = ("service/shop", "model/flight-delay")
"""One has a service, the other an endpoint: both have replicas."""


@pytest.mark.parametrize("action", ActionName)
@pytest.mark.parametrize("target", [*dict.fromkeys(RIGHT.values()), "service/unheard-of"])
def test_an_action_needs_what_it_acts_on(action: str, target: str) -> None:
    raw = changed((*DO, 1), {"action": action, "target": target})
    if target in ((RIGHT[action],) if action in RIGHT else SCALED):
        assert parse(raw).playbooks[0].do[1] == Deed(action=ActionName(action), target=target)
    else:
        [fault] = faults(raw)
        assert fault.startswith("playbooks[0].do[1].target: must be a ")
        assert fault.endswith(f"for {action}, got '{target}'")


def test_a_model_that_is_trained_again_must_be_one_of_the_settings() -> None:
    assert faults(changed((*DO, 1), {"action": "retrain_model", "target": "model/flight-dely"})) == [
        "playbooks[0].do[1].target: must be the name of a model (perhaps 'flight-delay'), got 'flight-dely'"
    ]


def test_what_the_incident_is_about_is_known_only_then() -> None:
    assert parse(changed(DO, ["restart_service", {"action": "scale_out"}])).playbooks[0].do == (
        Deed(action=ActionName.RESTART_SERVICE),
        Deed(action=ActionName.SCALE_OUT),
    )


def test_a_wrong_resource_is_told_once() -> None:
    assert len(faults(changed((*IN_CACHE, "redis"), "cache"))) == 1
    assert faults(changed(("resources",), [])) == ["resources: must be a mapping, got 'a list of 0'"]


def test_every_fault_is_told_at_once() -> None:
    raw = changed((*IN_SHOP, "service"), "shop")
    raw["playbooks"][0]["mode"] = "maybe"
    raw["automation"]["limits"]["flush_cache"] = {"approval": "yes"}
    assert [fault.split(":")[0] for fault in faults(raw)] == [
        "resources.service/shop.service",
        "playbooks[0].mode",
        "automation.limits.flush_cache.approval",
    ]


def test_nothing_of_it_can_be_changed() -> None:
    settings = parse(SAMPLE)
    with pytest.raises(TypeError):
        settings.resources["model/x"] = Resource()  # type: ignore[index]  # the very thing that must fail
    with pytest.raises(TypeError):
        settings.automation.limits[ActionName.SCALE_OUT] = Limits()  # type: ignore[index]  # the very thing that must fail


SECTIONS = ["resources", "playbooks", "automation"]


@given(st.sampled_from(SECTIONS), JUNK)
def test_any_junk_for_a_section_is_refused_with_faults_and_nothing_else(section: str, raw: object) -> None:
    assert told(SAMPLE | {section: raw})


@given(st.sampled_from([path for path in places(SAMPLE) if path[0] in SECTIONS]), JUNK)
def test_junk_anywhere_is_refused_with_faults_or_is_right(path: Path, junk: object) -> None:
    assert told(changed(path, junk))
