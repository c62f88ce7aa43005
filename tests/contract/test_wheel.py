"""The wheel: built, installed where nothing else is, and used."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra import stage

UV = str(Path(sys.executable).with_name("uv"))
PACKAGE = "aia_monitoring"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of packages of an environment that has the wheel and what `aia drift` needs, and nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    (folder / "cli.txt").write_text(stage.requirements("cli"))
    for arguments in (
        ["build", "--wheel", "--out-dir", str(folder), str(stage.ROOT)],
        ["venv", "--python", sys.executable, str(folder / "env")],
        ["pip", "install", "--python", str(folder / "env"), "--requirements", str(folder / "cli.txt")],
    ):
        subprocess.run([UV, *arguments, "--quiet"], check=True)
    [wheel] = folder.glob("*.whl")
    subprocess.run(
        [UV, "pip", "install", "--quiet", "--python", str(folder / "env"), "--no-deps", str(wheel)], check=True
    )
    return next((folder / "env" / "lib").glob("python*")) / "site-packages"


def aia(packages: Path, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the installed command in a folder, without the paths of this environment."""
    own = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    command = [str(packages.parents[2] / "bin" / "aia"), *arguments]
    return subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True, check=False)


def samples(folder: Path) -> Iterator[str]:
    for name, offset in (("old.csv", 0), ("new.csv", 50)):
        rows = "\n".join(f"{k % 100 + offset}" for k in range(1000))
        (folder / name).write_text(f"age\n{rows}\n")
        yield name


def test_it_installs_one_package_and_no_other_name(packages: Path) -> None:
    [record] = packages.glob(f"{PACKAGE}-*.dist-info/RECORD")
    names = {line.partition(",")[0] for line in record.read_text().splitlines()}
    assert {name.split("/")[0] for name in names if not name.startswith("../")} == {PACKAGE, record.parent.name}
    assert [name for name in names if name.startswith("../")] == ["../../../bin/aia"]
    python = packages.parents[2] / "bin" / "python"
    look = "import importlib.util; print([importlib.util.find_spec(name) for name in ('core', 'functions', 'infra')])"
    found = subprocess.run([python, "-P", "-I", "-c", look], capture_output=True, text=True, check=True)
    assert found.stdout == "[None, None, None]\n"


def test_it_holds_every_file_of_the_tree(packages: Path) -> None:
    held = [stage.ROOT / name for name in ("core", "functions", "infra", "dashboards", "docs/runbooks")]
    held += (stage.ROOT / "docs").glob("*.md")
    expected = {name for path in held for name, _ in stage._files(path)} - {"functions/cli/installed.py"}
    tree = packages / PACKAGE
    found = {path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.suffix != ".pyc" and path.is_file()}
    assert found == expected | {"__init__.py"}


def test_the_installed_command_compares_two_files(packages: Path, tmp_path: Path) -> None:
    done = aia(packages, "drift", *samples(tmp_path), "--json", "--html", "page.html", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "page: page.html\n")
    assert json.loads(done.stdout)["drifted"] == ["age"]
    assert "<style>" in (tmp_path / "page.html").read_text()


def test_packages_of_the_same_names_do_not_meet_it(packages: Path, tmp_path: Path) -> None:
    foreign = [folder / name for folder in (packages, tmp_path) for name in ("core", "functions", "infra")]
    for path in foreign:
        path.mkdir()
        (path / "__init__.py").write_text("raise RuntimeError('imported by mistake')\n")
    try:
        assert aia(packages, "drift", *samples(tmp_path), folder=tmp_path).returncode == 0
        assert aia(packages, "local", "--help", folder=tmp_path).returncode == 0
    finally:
        for path in foreign[:3]:
            (path / "__init__.py").unlink()
            path.rmdir()


def test_what_is_not_installed_is_named(packages: Path, tmp_path: Path) -> None:
    done = aia(packages, "demo", folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("aia: the module ")
    assert "aia-monitoring[local]" in done.stderr
