"""`make kubernetes`: the rules of infra/alerts and the recording rules, as each kind of Prometheus on Kubernetes takes them, the Collectors, and the functions."""

import argparse
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from infra.collector import PLACES
from infra.kubernetes import collector, secrets
from infra.kubernetes.cluster import Cluster
from infra.kubernetes.functions import files
from infra.kubernetes.objects import linked, managed, operated
from infra.scheduled import scheduled
from infra.stage import ROOT, deployment

FOLDER = Path(__file__).parent
SETTINGS = ROOT / "infra" / "monitoring.yaml"
RECORDING = FOLDER / "recording_rules.yaml"


def main(arguments: list[str] | None = None) -> int:
    """Write the objects into a folder, and say which."""
    given = _parser().parse_args(arguments)
    for option in ("label", "environment"):
        if wrong := [one for one in getattr(given, option) if "=" not in one or one.startswith("=")]:
            print(f"kubernetes: --{option}: must be NAME=VALUE, got {wrong[0]!r}", file=sys.stderr)
            return 1
    if unread := {*given.secret} - {*secrets.USERS_OF_SECRET}:
        known = ", ".join(secrets.USERS_OF_SECRET)
        print(f"kubernetes: --secret: must be one of {known}, got {min(unread)!r}", file=sys.stderr)
        return 1
    labels = _values(given.label)
    written = write(given.out, runbooks=given.runbooks.rstrip("/"), namespace=given.namespace, labels=labels)
    environment = {"AIA_RUNBOOKS_URL": given.runbooks.rstrip("/")} if given.runbooks else {}
    cluster = Cluster(
        image=given.image,
        text=given.settings.read_text(),
        deployed=deployment(),
        environment=environment | _values(given.environment),
        secrets=frozenset(given.secret),
        emulator=given.emulator,
    )
    written += [_dump(given.out / "functions" / f"{name}.yaml", found) for name, found in files(cluster).items()]
    print("\n".join(map(str, written)))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="infra.kubernetes", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/kubernetes"), help="where to (build/kubernetes)")
    parser.add_argument("--runbooks", default="", help="the address of the folder of the runbooks, for the links")
    parser.add_argument("--namespace", default="", help="whose services the rules are about; all of the cluster's")
    parser.add_argument("--label", action="append", default=[], help="NAME=VALUE by which the operator finds rules")
    functions = parser.add_argument_group("the functions")
    functions.add_argument("--image", default="localhost/aia:latest", help="of the functions (%(default)s)")
    functions.add_argument("--settings", type=Path, default=SETTINGS, help="of the functions (infra/monitoring.yaml)")
    functions.add_argument("--environment", action="append", default=[], help="NAME=VALUE that every function has")
    functions.add_argument("--secret", action="append", default=[], help="a further NAME that aia-secrets has")
    functions.add_argument("--emulator", action="store_true", help="the warehouse is BigQuery's emulator, of --image")
    return parser


def _values(given: Iterable[str]) -> dict[str, str]:
    return dict(one.split("=", 1) for one in given)


def write(out: Path, *, runbooks: str, namespace: str, labels: dict[str, str]) -> list[Path]:
    """Write what each kind takes: `gmp/`, `operator/` and `prometheus/`, and the Collectors of each place; the same files give the same bytes."""
    written = []
    for name, groups in rule_files(runbooks):
        written += [
            _dump(out / "gmp" / f"{name}.yaml", managed(name, groups, namespace)),
            _dump(out / "operator" / f"{name}.yaml", [operated(name, groups, namespace, labels)]),
            _dump(out / "prometheus" / "rules" / f"{name}.yaml", [{"groups": groups}]),
        ]
    for file, place in (("prometheus", "prometheus"), ("rbac", "prometheus"), ("pod_monitoring", "gmp")):
        written.append(Path(shutil.copyfile(FOLDER / f"{file}.yaml", out / place / f"{file}.yaml")))
    written += [_dump(out / "collector" / f"{place}.yaml", collector.objects(place)) for place in PLACES]
    return written


def rule_files(runbooks: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The groups of each rule file, by the name that its objects have; without rules that miss what no job does."""
    jobs = yaml.load((ROOT / "infra" / "monitoring.yaml").read_text(), Loader=yaml.CSafeLoader)["jobs"]
    for path in (*sorted((ROOT / "infra" / "alerts").glob("*.yaml")), RECORDING):
        groups = scheduled(yaml.load(path.read_text(), Loader=yaml.CSafeLoader)["groups"], jobs)
        yield path.stem.replace("_", "-"), linked(groups, runbooks)


class _Dumper(yaml.CSafeDumper):
    """Writes texts of several lines as they are, and what occurs twice twice."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002 - of yaml
        """Whether no alias stands for it."""
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _dump(path: Path, documents: Iterable[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False, width=200, explicit_start=True))
    return path


if __name__ == "__main__":
    sys.exit(main())
