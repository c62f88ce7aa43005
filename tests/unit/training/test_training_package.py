"""The packaged pipeline: its parameters and tasks, what its components carry, and that it is the same each time."""

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.promotion import Entrant, begin
from core.promotion.scoring import asked, job
from core.settings import Promotion, TrainingPipeline
from core.settings.training import GIVEN
from functions.adapters import config
from infra.local.vertex.prepared import prepared
from infra.stage import ROOT
from infra.training import pipelines
from infra.training.archive import LARGEST, prefixed
from infra.training.locked import IMAGE, packages
from infra.training.package import digest, package, template

NAME = "train-flight-delay"
AT = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def compiled() -> bytes:
    return template(NAME)


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return package(tmp_path_factory.mktemp("templates"))


@pytest.fixture(scope="module")
def spec(compiled: bytes) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(compiled, Loader=yaml.CSafeLoader)
    return found


def test_it_takes_what_every_training_is_given_and_what_the_settings_give(spec: dict[str, Any]) -> None:
    inputs = spec["root"]["inputDefinitions"]["parameters"]
    assert {name: inputs[name]["parameterType"] for name in GIVEN} == dict.fromkeys(GIVEN, "STRING")
    [model] = config.load_yaml(ROOT / "infra" / "monitoring.yaml")["models"]  # type: ignore[index]
    pipeline = model["retraining"]["pipeline"]
    assert pipeline["template"].split("/")[-2] == NAME == spec["pipelineInfo"]["name"]
    required = {name for name, one in inputs.items() if "defaultValue" not in one}
    assert required <= {*GIVEN, *pipeline["parameters"]} <= inputs.keys()


def trainer_contract(spec: dict[str, Any]) -> dict[str, Any]:
    """The inputs and outputs of the component that trains, by name with their types."""
    component = spec["components"]["comp-train"]
    return {
        f"{side} {kind} {name}": one.get("parameterType") or one["artifactType"]["schemaTitle"]
        for side in ("inputDefinitions", "outputDefinitions")
        for kind, found in component.get(side, {}).items()
        for name, one in found.items()
    }


def test_a_trainer_of_ones_own_image_is_compiled_as_the_guide_says(
    spec: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    guide = (ROOT / "docs" / "retraining.md").read_text()
    [source] = [code for code in re.findall(r"```python\n(.*?)```", guide, re.DOTALL) if "container_component" in code]
    made: dict[str, Any] = {}
    exec(source, made)
    monkeypatch.setattr(pipelines, "TRAINERS", {"train-churn": made["train"]})
    own: dict[str, Any] = yaml.load(template("train-churn"), Loader=yaml.CSafeLoader)
    assert trainer_contract(own) == trainer_contract(spec)
    container = own["deploymentSpec"]["executors"]["exec-train"]["container"]
    assert re.fullmatch(r"\S+@sha256:[0-9a-f]{64}", container["image"])
    assert container["command"] == ["python", "/app/train.py"]
    given = dict(zip(container["args"][::2], container["args"][1::2], strict=True))
    assert given.keys() == {"--source", "--options", "--training", "--holdout", "--model", "--predictions"}
    assert all(name.removeprefix("--") in placeholder for name, placeholder in given.items())
    assert {
        name: task["dependentTasks"] for name, task in own["root"]["dag"]["tasks"].items() if name != "extract"
    } == {name: task["dependentTasks"] for name, task in spec["root"]["dag"]["tasks"].items() if name != "extract"}


def test_its_stages_are_few_and_none_is_called_as_the_pipeline_is(spec: dict[str, Any]) -> None:
    assert sorted(spec["root"]["dag"]["tasks"]) == ["evaluate", "extract", "register", "train", "validate"]
    assert f"comp-{NAME}" not in spec["components"]


def test_the_scoring_pipeline_takes_what_each_of_its_jobs_is_given(packaged: list[Path]) -> None:
    found: dict[str, Any] = yaml.load(packaged[1].read_bytes(), Loader=yaml.CSafeLoader)
    [model] = config.load_yaml(ROOT / "infra" / "monitoring.yaml")["models"]  # type: ignore[index]
    scoring = TrainingPipeline(**model["promotion"]["scoring"])
    begun = begin(None, Entrant(model="delay", champion="v1", version="v2"), Promotion(), AT).state
    wanted = job(asked(begun, AT + timedelta(days=1)), scoring, "gs://b/model")
    assert wanted.parameters.keys() == found["root"]["inputDefinitions"]["parameters"].keys()
    assert wanted.pipeline.name == found["pipelineInfo"]["name"]
    assert sorted(found["root"]["dag"]["tasks"]) == ["importer", "score"]


def test_every_component_is_pinned_and_fits_into_an_argument_of_a_program(spec: dict[str, Any]) -> None:
    executors = spec["deploymentSpec"]["executors"]
    for executor in executors.values():
        container = executor["container"]
        assert container["image"] == IMAGE
        assert len(container["command"][-1]) <= LARGEST
        [install] = [line for line in container["command"][2].splitlines() if "pip install" in line]
        wanted = re.findall(r"'([\w.-]+==[^']+)'", install)
        assert {*packages("training")} < {*wanted}
        has = prepared(yaml.dump({"deploymentSpec": {"executors": {"one": executor}}}), "j")
        assert yaml.safe_load(has)["deploymentSpec"]["executors"]["one"]["container"]["command"][2] == '"$0" "$@"'
        assert {word.partition("==")[0] for word in wanted} >= {"numpy", "scikit-learn", "google-cloud-bigquery", "kfp"}


def test_the_component_that_registers_has_the_clients_of_both_registries(spec: dict[str, Any]) -> None:
    source = spec["deploymentSpec"]["executors"]["exec-register"]["container"]["command"][2]
    wanted = {word.partition("==")[0] for word in re.findall(r"'([\w.-]+==[^']+)'", source)}
    assert wanted >= {"google-cloud-aiplatform", "urllib3"}


def test_the_same_sources_give_the_same_bytes(compiled: bytes, packaged: list[Path]) -> None:
    path, scoring = packaged
    assert scoring.stem.startswith("score-flight-delay-")
    assert path.read_bytes() == compiled
    assert path.stem == f"{NAME}-{digest(compiled).removeprefix('sha256:')[:16]}"
    written = path.stat().st_mtime_ns
    assert package(path.parent) == packaged
    assert path.stat().st_mtime_ns == written


def test_what_a_component_imports_goes_with_it(tmp_path: Path) -> None:
    source = "from core.drift import Profile\nprint(Profile.fit({'a': [1.0, 2.0]}).rows, Profile.__module__)"
    text = prefixed(source)
    assert text.endswith(source)
    assert "Fit a profile" not in text
    file = tmp_path / "component.py"
    file.write_text(text + "\nimport core\nprint(core.__file__)")
    done = subprocess.run([sys.executable, "-I", str(file)], capture_output=True, text=True, cwd=tmp_path, check=False)
    first, second = done.stdout.splitlines()
    assert first == "2 core.drift.profile", done.stderr
    assert not second.startswith(str(ROOT))


def test_a_component_that_is_too_large_says_so() -> None:
    with pytest.raises(ValueError, match=rf"component: must be at most {LARGEST} characters"):
        prefixed("import core.errors\n#" + "x" * LARGEST)


def test_the_last_step_knows_its_job(spec: dict[str, Any]) -> None:
    [task] = [one for one in spec["root"]["dag"]["tasks"].values() if one["taskInfo"]["name"] == "register"]
    assert task["inputs"]["parameters"]["job"]["runtimeValue"]["constant"] == "{{$.pipeline_job_resource_name}}"


@pytest.mark.parametrize(
    ("package", "runs_at_once"),
    [
        (f"numpy=={metadata.version('numpy')}", True),
        ("numpy>=1", True),
        ("numpy==1.0", False),
        ("no-such-package", False),
        ("no-such-package; python_version < '3'", True),
        ("git+https://example.com/numpy.git", False),
    ],
)
def test_what_is_installed_already_is_not_installed_again(package: str, *, runs_at_once: bool) -> None:
    script = f'apt-get install pip\nX=1 python3 -m pip install --quiet numpy "{package}" && "$0" "$@"\n'
    command = ["sh", "-c", script, "python3", "{{$.pipeline_job_resource_name}}"]
    spec = yaml.dump({"deploymentSpec": {"executors": {"one": {"container": {"command": command}}, "two": {}}}})
    [_, _, found, _, job] = yaml.safe_load(prepared(spec, "p/j"))["deploymentSpec"]["executors"]["one"]["container"][
        "command"
    ]
    assert (found, job) == ('"$0" "$@"' if runs_at_once else script, "p/j")
