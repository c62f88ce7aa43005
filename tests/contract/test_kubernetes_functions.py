"""The functions in a cluster: each is there, with all that it needs, and nothing more is allowed than Kubernetes' `restricted` level."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from functions.adapters import config
from infra import stage
from infra.container.prepare import endpoints, service
from infra.kubernetes import __main__ as command
from infra.kubernetes import secrets
from infra.kubernetes.cluster import SECRET, SESSION, STORE_SECRET, Cluster
from infra.kubernetes.functions import FUNCTION, TWICE, files
from infra.kubernetes.network import PUBLIC
from infra.kubernetes.pods import COMPONENT, NAME
from tests.support.checks.kubernetes_schemas import faults

DEPLOYED = stage.deployment()
TEXT = (stage.ROOT / "infra" / "monitoring.yaml").read_text()
PAGER = '\nchannels:\n  - {name: pager, kind: pagerduty, key: "${PAGERDUTY_KEY}"}'
LINKS = 'accounts: {Ada: {email: ada@example.com}}\ncommand_intake: {links: {secret: "${MAIL_LINKS_SECRET}"}}\n'
WITH_SECRETS = TEXT.replace("\nchannels:", PAGER, 1) + LINKS
UNSET = {
    "AIA_ACK_DEADLINES": "by `aia serve`",
    "AIA_TIMEOUTS": "by `aia serve`",
    "AIA_DATA": "of `aia local`",
    "AIA_API_TOKEN": "of the command line",
    "AIA_DEPLOYMENT_RECORD": "of Terraform",
    "AIA_STACK_RECORD": "of `aia local`",
    "AIA_DOCTOR_ENDPOINT": "of the command line",
    "AIA_PORT": "of `aia local`",
    "AIA_IAM_TOKEN": "a name of a metric's label",
    "AIA_MLFLOW_URL": "where there is an MLflow",
    "AIA_IAP_AUDIENCE": "of Google's proxy",
    "AIA_ID_TOKEN_AUDIENCE": "where Google says who somebody is",
    "AIA_PROXIES": "what the Ingress before it adds, which only its owner knows",
    "AIA_PUSH_ACCOUNT": "of Google's Pub/Sub",
    "AIA_PUSH_AUDIENCE": "of Google's Pub/Sub",
    "AIA_REDIS_TLS": "where a cache has a certificate",
    "AIA_RUNBOOKS_URL": "by --runbooks",
    "AIA_SESSION_PERSON": "has a default",
    "AIA_SURVEY_SECRET": "where the settings name it",
    "AIA_TRAINING_DISABLED": "with the emulator",
    "AIA_RUN_ENDPOINT": "Google's own, but with the emulator",
    "AIA_IAM_ENDPOINT": "Google's own, but with the emulator",
    "AIA_LOGGING_ENDPOINT": "Google's own, but with the emulator",
    "AIA_VERTEX_ENDPOINT": "Google's own, but with the emulator",
}
"""Variables of the code that a cluster does not set by itself, with the reason."""

Object = dict[str, Any]


def cluster(text: str = TEXT, **more: Any) -> Cluster:
    return Cluster(image="registry.example.com/aia:1", text=text, deployed=DEPLOYED, **more)


ALL = [one for found in files(cluster(emulator=True)).values() for one in found]


def of(kind: str, objects: list[Object] = ALL) -> dict[str, Object]:
    return {one["metadata"]["name"]: one for one in objects if one["kind"] == kind}


def pods(objects: list[Object]) -> Iterator[tuple[str, Object]]:
    """The name and the pod of each workload."""
    for one in objects:
        spec = one.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        if "template" in spec:
            yield one["metadata"]["name"], spec["template"]


def environment(given: Cluster, pod: Object) -> dict[str, str | None]:
    """What a container is started with; of a secret there is None."""
    [one] = pod["spec"]["containers"]
    return given.known | {entry["name"]: entry.get("value") for entry in one.get("env", [])}


@pytest.mark.parametrize("emulator", [False, True])
def test_every_object_is_one_that_kubernetes_allows(tmp_path: Path, *, emulator: bool) -> None:
    assert command.main(["--out", str(tmp_path), *(["--emulator"] if emulator else [])]) == 0
    found = sorted((tmp_path / "functions").glob("*.yaml"))
    [kustomization] = yaml.load_all((tmp_path / "functions" / "kustomization.yaml").read_text(), yaml.CSafeLoader)
    assert sorted([*kustomization["resources"], "kustomization.yaml"]) == [path.name for path in found]
    assert [fault for path in found for fault in faults(path)] == []


def test_each_function_has_a_deployment_and_a_service_that_its_subscriptions_reach() -> None:
    deployments, services = of("Deployment"), of("Service")
    for name, deployed in DEPLOYED["functions"].items():
        spec = deployments[service(name)]["spec"]
        [one] = spec["template"]["spec"]["containers"]
        assert one["args"] == ["serve", name]
        assert one["resources"]["limits"]["memory"] == deployed["memory"]
        assert spec["replicas"] == (2 if name in TWICE else 1)
        selected = services[service(name)]["spec"]["selector"].items()
        assert selected <= spec["template"]["metadata"]["labels"].items()
    for address in endpoints("http://{name}:8080", {}).values():
        [port] = services[urlsplit(address).hostname or ""]["spec"]["ports"]
        assert port["port"] == urlsplit(address).port
    assert of("PodDisruptionBudget").keys() == {service(name) for name in TWICE}


def test_each_schedule_of_the_settings_has_a_job_in_utc() -> None:
    jobs = cluster().settings["jobs"]
    found = {
        (
            one["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["command"][-1],
            one["spec"]["schedule"],
        )
        for one in of("CronJob").values()
        if one["spec"]["timeZone"] == "Etc/UTC"
    }
    assert found == {*jobs.items()}


@pytest.mark.parametrize("emulator", [False, True])
def test_each_function_has_every_variable_of_the_settings(tmp_path: Path, *, emulator: bool) -> None:
    given = cluster(WITH_SECRETS, emulator=emulator)
    (tmp_path / "monitoring.yaml").write_text(WITH_SECRETS)
    for name, pod in pods(files(given)["functions"]):
        values = {key: "0" * 32 if value is None else value for key, value in environment(given, pod).items()}
        assert config.load(tmp_path / "monitoring.yaml", values).channels, name


def test_each_variable_that_the_code_reads_is_set_or_is_left_out_for_a_reason() -> None:
    folders = (stage.ROOT / "functions", stage.ROOT / "core")
    texts = [path.read_text() for folder in folders for path in folder.rglob("*.py")]
    used = {name for text in texts for name in re.findall(r"\bAIA_[A-Z]+(?:_[A-Z]+)*\b", text)}
    given = cluster(secrets=frozenset(secrets.USERS_OF_SECRET))
    have = {name for _, pod in pods(files(given)["functions"]) for name in environment(given, pod)}
    assert used - have - UNSET.keys() == set()
    assert UNSET.keys() - used == set()
    assert UNSET.keys() & have == set()


def test_a_secret_goes_to_who_reads_it_and_to_nobody_else() -> None:
    given = cluster(WITH_SECRETS, secrets=frozenset({"AIA_INTAKE_TOKEN"}))
    found: dict[str, set[str]] = {}
    for name, pod in pods([one for objects in files(given).values() for one in objects]):
        [one] = pod["spec"]["containers"]
        for entry in one.get("env", []):
            if reference := entry.get("valueFrom", {}).get("secretKeyRef"):
                found.setdefault(f"{reference['name']}/{reference['key']}", set()).add(name)
    prepare = next(name for name in of("Job", files(given)["jobs"]))
    routers = {"incident-router", "incident-sweep"}
    assert found == {
        f"{STORE_SECRET}/url": {service(name) for name in DEPLOYED["functions"]},
        f"{SECRET}/{SESSION}": {"api"},
        f"{SECRET}/PAGERDUTY_KEY": routers,
        f"{SECRET}/MAIL_LINKS_SECRET": {*routers, "command-intake"},
        f"{SECRET}/AIA_INTAKE_TOKEN": {"alert-intake", prepare},
    }


def test_who_reads_a_secret_is_as_terraform_has_it() -> None:
    text = (stage.ROOT / "infra" / "terraform" / "secrets.tf").read_text()
    for name, table in (("users_of_section", secrets.USERS_OF_SECTION), ("users_of_secret", secrets.USERS_OF_SECRET)):
        [block] = re.findall(rf"^  {name} = {{\n(.*?)^  }}", text, re.MULTILINE | re.DOTALL)
        rows = re.findall(r'^ +"?([^"=]+?)"? += \[(.*?)\]', block, re.MULTILINE)
        assert {key: tuple(re.findall(r'"(\w+)"', users)) for key, users in rows} == table


def test_no_pod_may_more_than_the_restricted_level_allows() -> None:
    found = dict(pods(ALL))
    assert len(found) > 2 * len(DEPLOYED["functions"]) - len(DEPLOYED["functions"])
    for name, pod in found.items():
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"], name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert spec["automountServiceAccountToken"] is False, name
        assert {*[kind for one in spec["volumes"] for kind in one]} <= {"name", "configMap", "secret", "emptyDir"}
        for one in spec["containers"]:
            assert one["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name


def admitted(pod: Object) -> dict[int, bool]:
    """The ports of a pod that anybody is let to, and whether from everywhere."""
    found: dict[int, bool] = {}
    for policy in of("NetworkPolicy").values():
        if selects(policy["spec"]["podSelector"], pod["metadata"]["labels"]):
            for rule in policy["spec"].get("ingress", []):
                for port in rule["ports"]:
                    found[port["port"]] = found.get(port["port"], False) or "from" not in rule
    return found


def selects(selector: Object, labels: dict[str, str]) -> bool:
    listed = (labels.get(one["key"]) in one["values"] for one in selector.get("matchExpressions", []))
    return selector.get("matchLabels", {}).items() <= labels.items() and all(listed)


def test_what_the_services_offer_is_reached_and_functions_by_the_bus_alone_but_for_those_that_check_who_asks() -> None:
    by_labels = {pod["metadata"]["labels"][NAME]: pod for _, pod in pods(ALL)}
    for name, one in of("Service").items():
        open_ports = admitted(by_labels[name])
        assert {port["port"] for port in one["spec"]["ports"]} == open_ports.keys(), name
    for name in DEPLOYED["functions"]:
        pod = by_labels[service(name)]
        assert pod["metadata"]["labels"][COMPONENT] == FUNCTION
        assert admitted(pod) == {8080: name in PUBLIC}
    assert [name for name in PUBLIC if name not in DEPLOYED["functions"]] == []


def test_pods_are_replaced_when_their_settings_or_their_environment_change() -> None:
    def router(given: Cluster) -> str:
        return repr(of("Deployment", files(given)["functions"])["incident-router"])

    assert router(cluster()) == router(cluster())
    assert router(cluster()) != router(cluster(TEXT + "\n"))
    assert router(cluster()) != router(cluster(environment={"AIA_INBOX_URL": "https://example.com/"}))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--environment", "AIA_LOCATION"], "kubernetes: --environment: must be NAME=VALUE, got 'AIA_LOCATION'\n"),
        (
            ["--secret", "PAGER"],
            f"kubernetes: --secret: must be one of {', '.join(secrets.USERS_OF_SECRET)}, got 'PAGER'\n",
        ),
    ],
)
def test_what_cannot_be_given_is_refused(
    tmp_path: Path, given: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--out", str(tmp_path), *given]) == 1
    assert capsys.readouterr().err == said
