"""What is deployed: the archives are complete, minimal and the same every time."""

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from infra import stage

FUNCTIONS = list(stage.deployment()["functions"])
FORBIDDEN = (
    "pandas",
    "scipy.stats",
    "sklearn",
    "google.cloud.aiplatform",
    "matplotlib",
    "bqemulator",
    "duckdb",
    "infra",
    "tests",
)


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("staged")
    stage.stage_all(FUNCTIONS, folder)
    return folder


_IMPORTS = """
import filecmp, json, os, sys
import functions_framework, msgspec, numpy, yaml
from google.cloud import bigquery, firestore, monitoring_v3, pubsub_v1
from importlib import _bootstrap_external as finding

root, folders, compiled = os.getcwd(), sys.argv[1:], finding.cache_from_source
finding.cache_from_source = lambda path, *given, **named: (
    f"{root}/compiled/{os.stat(path).st_ino}" if path.startswith(root) else compiled(path, *given, **named)
)
sys.path.insert(0, folders[0])
import core.settings, core.incidents.model, functions.runtime.endpoint
shared = [module for name, module in sys.modules.items() if name.split(".")[0] in ("core", "functions")]

def move(module, folder):
    "Have a module be that of another archive, whose file is the same."
    for name in filter(None, [module.__file__]):
        module.__file__ = name.replace(folders[0], folder, 1)
        assert filecmp.cmp(name, module.__file__, shallow=False), name
    if hasattr(module, "__path__"):
        module.__path__ = [os.path.join(folder, *module.__name__.split("."))]

for folder in folders:
    if not os.fork():
        os.chdir(folder)
        sys.path[0] = folder
        for module in shared:
            move(module, folder)
        import main
        modules = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())}
        with open("modules.json", "w") as file:
            json.dump(modules, file)
        os._exit(0)
    assert os.wait()[1] == 0, folder
"""
"""Imports each archive in a process of its own, which has already what takes longest and is the same for all: packages, what was
compiled, and modules whose file each archive has."""


@pytest.fixture(scope="module")
def modules(staged: Path) -> dict[str, dict[str, str | None]]:
    """The modules of each function after its import, and their files."""
    # -P and -I would also drop the environment's packages; an empty PYTHONPATH and the folder are what the runtime has
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    folders = {name: staged / name for name in FUNCTIONS}
    command = [sys.executable, "-W", "error", "-c", _IMPORTS, *map(str, folders.values())]
    out = subprocess.run(command, cwd=staged, env=env, check=True, capture_output=True, text=True)
    assert out.stderr == ""
    return {name: json.loads((folder / "modules.json").read_text()) for name, folder in folders.items()}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_staged_function_imports_nothing_forbidden_and_only_its_own_files(
    staged: Path, modules: dict[str, dict[str, str | None]], function: str
) -> None:
    found = modules[function]
    assert [name for name in found if any(name == bad or name.startswith(bad + ".") for bad in FORBIDDEN)] == []
    ours = {name: path for name, path in found.items() if name.split(".")[0] in ("main", "core", "functions") and path}
    assert ours
    assert [
        path
        for path in ours.values()
        if path and not Path(path).resolve().is_relative_to((staged / function).resolve())
    ] == []


def test_every_function_is_deployed_and_the_command_is_none() -> None:
    assert {path.parent.name for path in (stage.ROOT / "functions").glob("*/main.py")} == {*FUNCTIONS, "cli"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_archive_holds_no_other_function(function: str) -> None:
    folders = {
        name.split("/")[1]
        for name, _ in stage.sources(function)
        if name.startswith("functions/") and name.count("/") > 1
    }
    assert folders <= {"adapters", "runtime", "services", function}


def packaged(into: Path, environment: dict[str, str], umask: int = -1) -> dict[str, Path]:
    """The archives by function, as a process with that environment makes them."""
    command = [sys.executable, "-m", "infra.stage", "--archives", str(into)]
    subprocess.run(command, cwd=stage.ROOT, env=os.environ | environment, check=True, umask=umask)
    return {path.name.rpartition("-")[0]: path for path in sorted(into.glob("*.zip"))}


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return packaged(tmp_path_factory.mktemp("archives"), {"TZ": "UTC"})


def test_packaging_again_elsewhere_gives_the_same_archives(tmp_path: Path, archives: dict[str, Path]) -> None:
    again = packaged(tmp_path, {"TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7", "LANG": "tr_TR"}, umask=0o077)
    digests = [
        {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in one.values()} for one in (archives, again)
    ]
    assert digests[0] == digests[1]
    assert archives.keys() == set(FUNCTIONS)
    settings = hashlib.sha256((stage.ROOT / "infra" / "monitoring.yaml").read_bytes()).hexdigest()
    assert json.loads((tmp_path / stage.SETTINGS).read_bytes()) == dict.fromkeys(FUNCTIONS, settings)
    assert all(digest[:16] == name.rpartition("-")[2].removesuffix(".zip") for name, digest in digests[0].items())


def test_the_same_tree_gives_the_same_bytes(tmp_path: Path) -> None:
    first = stage.archive(FUNCTIONS[0], tmp_path / "a")
    second = stage.archive(FUNCTIONS[0], tmp_path / "b")
    assert first.name == second.name
    assert hashlib.sha256(first.read_bytes()).digest() == hashlib.sha256(second.read_bytes()).digest()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_archive_has_its_entry_point_its_settings_and_its_locked_requirements_at_its_root(
    archives: dict[str, Path], function: str
) -> None:
    with zipfile.ZipFile(archives[function]) as file:
        names = file.namelist()
        requirements = file.read("requirements.txt").decode()
    assert {"main.py", "monitoring.yaml", "requirements.txt", "core/errors.py", "functions/runtime/push.py"} <= set(
        names
    )
    assert "functions-framework==" in requirements
    assert "\ntzdata==" in requirements  # the time zones of the settings
    assert "--hash=sha256:" in requirements
    # google-cloud-bigquery imports pyarrow and pandas where they are: they must not be
    assert [name for name in ("scikit-learn", "pyarrow", "pandas") if f"\n{name}==" in requirements] == []


def test_what_tools_and_editors_leave_behind_is_in_no_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ["boards/b.json", "core/errors.py", "docs/books/deep/a.md", "docs/books/b.md", "docs/guide.md"]
    wanted += ["functions/__init__.py", "functions/runtime/push.py", "functions/one/page/a.css"]
    litter = ["core/.DS_Store", "core/__pycache__/errors.py", "functions/one/.#main.py", "functions/one/a.css~"]
    litter += ["boards/b.json~", "docs/books/.b.md.swp", "docs/.guide.md", "docs/picture.png"]
    for name in [*wanted, *litter, "functions/one/main.py", "infra/monitoring.yaml"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "infra" / "functions.yaml").write_text("functions: {one: {include: [boards, docs/*.md, docs/books]}}")
    monkeypatch.setattr(stage, "ROOT", tmp_path)
    assert [name for name, _ in stage.sources("one")] == [*sorted(wanted), "main.py", "monitoring.yaml"]


def test_the_archive_of_the_api_has_the_dashboards_as_they_are_deployed_and_finds_them(staged: Path) -> None:
    deployed = sorted(path.name for path in (stage.ROOT / "dashboards").glob("*.json"))
    code = "from functions.api import dashboards; print(dashboards.FOLDER, *dashboards.load())"
    out = subprocess.run([sys.executable, "-c", code], cwd=staged / "api", check=True, capture_output=True, text=True)
    folder, *names = out.stdout.split()
    assert Path(folder) == (staged / "api" / "dashboards").resolve()
    assert sorted(f"{name}.json" for name in names) == deployed
    assert names == ["executive", "technical", "operations", "business", "models"]


def test_the_archive_of_the_api_knows_how_grave_each_alert_rule_is(staged: Path) -> None:
    code = "from functions.api import alerts; print(alerts.severities()['HealthCheckSilent'], len(alerts.severities()))"
    out = subprocess.run([sys.executable, "-c", code], cwd=staged / "api", check=True, capture_output=True, text=True)
    severity, count = out.stdout.split()
    assert severity == "critical"
    assert int(count) > 50


def test_only_those_that_read_the_dashboards_carry_them() -> None:
    assert [name for name in FUNCTIONS if any(path.startswith("dashboards/") for path, _ in stage.sources(name))] == [
        "maintenance",
        "api",
    ]


def test_the_archive_of_the_api_has_the_runbooks_and_guides_and_finds_them_and_no_other_has(staged: Path) -> None:
    code = "from functions.api import runbooks; print(runbooks.named('system.md'))"
    out = subprocess.run([sys.executable, "-c", code], cwd=staged / "api", check=True, capture_output=True, text=True)
    assert Path(out.stdout.strip()) == (staged / "api" / "docs" / "runbooks" / "system.md").resolve()
    kept = {name: {path for path, _ in stage.sources(name) if path.startswith("docs/")} for name in FUNCTIONS}
    docs = stage.ROOT / "docs"
    here = {path.relative_to(stage.ROOT).as_posix() for path in (*docs.glob("*.md"), *docs.glob("runbooks/*.md"))}
    assert {name: found for name, found in kept.items() if found} == {"api": here}


def test_requirements_that_cannot_be_exported_are_told_with_the_reason() -> None:
    with pytest.raises(
        stage.StageError, match=r"nothing: its requirements could not be exported from uv.lock: .*nothing"
    ):
        stage.requirements("nothing")


def test_a_function_that_is_none_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        stage.main(["nothing"])
    assert "got 'nothing'" in capsys.readouterr().err


def stamps(folder: Path) -> dict[str, int]:
    """When each file of a folder was written."""
    return {path.relative_to(folder).as_posix(): path.stat().st_mtime_ns for path in folder.rglob("*")}


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of one function."""
    for name in ("core/a.py", "functions/adapters/b.py", "functions/one/c.py", "functions/one/main.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"# {name}\n")
    for name in ("functions/__init__.py", "infra/monitoring.yaml", "uv.lock", "pyproject.toml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "infra" / "functions.yaml").write_text("functions: {one: {}}")
    monkeypatch.setattr(stage, "ROOT", tmp_path)
    return tmp_path


def staged_one(small: Path) -> Path:
    return stage.stage_all(["one"], small / "build", locked=False)["one"]


def test_what_is_staged_already_is_left_with_what_python_compiled_in_it(small: Path) -> None:
    folder = staged_one(small)
    (folder / "core" / "__pycache__").mkdir()
    before = stamps(folder)
    assert stamps(staged_one(small)) == before


@pytest.mark.parametrize("name", ["core/a.py", "functions/one/main.py", "infra/monitoring.yaml"])
def test_a_changed_source_is_staged_again(small: Path, name: str) -> None:
    staged_one(small)
    (small / name).write_text("# changed\n")
    folder = staged_one(small)
    assert (folder / {"core/a.py": name}.get(name, Path(name).name)).read_text() == "# changed\n"


def test_a_removed_source_is_gone_from_what_is_staged(small: Path) -> None:
    staged_one(small)
    (small / "core" / "a.py").unlink()
    assert not (staged_one(small) / "core" / "a.py").exists()


@pytest.mark.parametrize("data", [None, b"# c"])
def test_a_staged_file_that_was_lost_or_cut_off_is_written_again(small: Path, data: bytes | None) -> None:
    file = staged_one(small) / "core" / "a.py"
    file.unlink() if data is None else file.write_bytes(data)
    staged_one(small)
    assert file.read_text() == "# core/a.py\n"


def test_staging_that_is_interrupted_leaves_no_folder_that_looks_complete(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []

    def interrupted(path: Path, data: bytes) -> None:
        if written:
            raise KeyboardInterrupt
        written.append(path.name)
        path.touch()
        assert data

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", interrupted)
        with pytest.raises(KeyboardInterrupt):
            staged_one(small)
    assert written
    assert not (small / "build" / "one").exists()
    folder = staged_one(small)
    assert sorted(path.name for path in folder.parent.iterdir()) == ["one"]
    assert (folder / "core" / "a.py").read_text() == "# core/a.py\n"


def test_the_requirements_are_staged_where_they_are_asked_for(staged: Path, tmp_path: Path) -> None:
    assert "functions-framework==" in (staged / "api" / "requirements.txt").read_text()
    assert not (stage.stage_all(["api"], tmp_path, locked=False)["api"] / "requirements.txt").exists()
