"""The settings of the running function: monitoring.yaml from its archive, with environment variables substituted."""

import os
import re
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import yaml

from core.errors import Fault, SettingsError
from core.settings import Settings, parse

FILE = Path(__file__).resolve().parents[2] / "monitoring.yaml"
"""Its place in an archive: at the root, beside `functions/`."""
_DEEPEST = 20
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings.

    Args:
        path: the file; where none is given, the one that `AIA_SETTINGS` names, or the archive's own.
        environ: the values of `${NAME}` in a text. Substituted values are not expanded again.

    Raises:
        SettingsError: with every fault: of the file, of missing variables, and of the values.
    """
    file = path or Path(environ.get("AIA_SETTINGS") or FILE)
    missing: list[Fault] = []
    raw = _substituted(_load_yaml(file), environ, "", _DEEPEST, missing)
    try:
        settings = parse(raw)
    except SettingsError as error:
        unknown = {fault.path for fault in missing}
        wrong = (fault for fault in error.faults if fault.path not in unknown)
        raise SettingsError((*missing, *wrong)) from error
    if missing:
        raise SettingsError(tuple(missing))
    return settings


def schedule(settings: Settings, job: str) -> str:
    """The cron expression of a job.

    Raises:
        SettingsError: the settings name no such job, though its function is deployed.
    """
    cron = settings.jobs.get(job)
    if cron is None:
        raise SettingsError((Fault(f"jobs.{job}", "must be given where the function is deployed"),))
    return cron


class _Loader(yaml.CSafeLoader):
    """Rejects a duplicate key, of which YAML would use the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        keys = [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        spelt = [key.value for key in keys]
        for index, key in enumerate(keys):
            if key.value in spelt[:index]:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key.value!r} must be given once", key.start_mark
                )
        return super().construct_mapping(node, deep)


def _load_yaml(file: Path) -> object:
    try:
        return yaml.load(file.read_bytes(), Loader=_Loader)  # noqa: S506 - a safe loader, made stricter
    except OSError as error:
        raise SettingsError((Fault(str(file), "must be a file that can be read", error.strerror),)) from error
    except yaml.MarkedYAMLError as error:
        where = f"{file}:{error.problem_mark.line + 1}" if error.problem_mark else str(file)
        raise SettingsError((Fault(where, "must be YAML", error.problem),)) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SettingsError((Fault(str(file), "must be YAML", str(error)),)) from error


def _substituted(value: Any, environ: Mapping[str, str], path: str, depth: int, missing: list[Fault]) -> Any:  # noqa: ANN401 - YAML
    if depth < 0:
        missing.append(Fault(path, f"must be nested at most {_DEEPEST} deep"))
        return None
    match value:
        case str():
            names = _VARIABLE.findall(value)
            missing.extend(_unset(path, name) for name in dict.fromkeys(names) if name not in environ)
            return _VARIABLE.sub(lambda match: environ.get(match[1], match[0]), value) if names else value
        case list():
            return [
                _substituted(item, environ, f"{path}[{index}]", depth - 1, missing) for index, item in enumerate(value)
            ]
        case dict():
            paths = {key: f"{path}.{key}" if path else str(key) for key in value}
            return {key: _substituted(item, environ, paths[key], depth - 1, missing) for key, item in value.items()}
    return value


def _unset(path: str, name: str) -> Fault:
    return Fault(path, f"${{{name}}} must be set in the environment")
