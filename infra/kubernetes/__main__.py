"""`make kubernetes`: the rules of infra/alerts and the recording rules, as each kind of Prometheus on Kubernetes takes them, and the Collectors."""

import argparse
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from infra.collector import PLACES
from infra.kubernetes import collector
from infra.kubernetes.objects import linked, managed, operated
from infra.scheduled import scheduled
from infra.stage import ROOT

FOLDER = Path(__file__).parent
RECORDING = FOLDER / "recording_rules.yaml"


def main(arguments: list[str] | None = None) -> int:
    """Write the objects into a folder, and say which."""
    parser = argparse.ArgumentParser(prog="infra.kubernetes", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/kubernetes"), help="where to (build/kubernetes)")
    parser.add_argument("--runbooks", default="", help="the address of the folder of the runbooks, for the links")
    parser.add_argument("--namespace", default="", help="whose services the rules are about; all of the cluster's")
    parser.add_argument("--label", action="append", default=[], help="NAME=VALUE by which the operator finds rules")
    given = parser.parse_args(arguments)
    wrong = [one for one in given.label if not all(one.partition("="))]
    if wrong:
        print(f"kubernetes: --label: must be NAME=VALUE, got {wrong[0]!r}", file=sys.stderr)
        return 1
    labels = dict(one.split("=", 1) for one in given.label)
    written = write(given.out, runbooks=given.runbooks.rstrip("/"), namespace=given.namespace, labels=labels)
    print("\n".join(map(str, written)))
    return 0


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
