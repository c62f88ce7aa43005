"""The settings of the running function: monitoring.yaml from its archive, with environment variables substituted."""

import os
import re
from collections.abc import Collection, Hashable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from core.errors import Fault, SettingsError
from core.settings import Settings, parse

FILE = Path(__file__).resolve().parents[2] / "monitoring.yaml"
"""Its place in an archive: at the root, beside `functions/`."""
_DEEPEST, _MOST = 20, 1_000_000
"""Levels and values of a file, with what its aliases stand for."""
_EVENTS = 3
"""Of a value in a text, at most: its key, its start and its end."""
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def load(
    path: Path | None = None, environ: Mapping[str, str] = os.environ, *, only: Collection[str] | None = None
) -> Settings:
    """Read the settings.

    Args:
        path: the file; where none is given, the one that `AIA_SETTINGS` names, or the archive's own.
        environ: the values of `${NAME}` in a text. Substituted values are not expanded again.
        only: the sections that are read; all by default. The variables of the others need not be set.

    Raises:
        SettingsError: with every fault: of the file, of missing variables, and of the values.
    """
    file = path or _file(environ)
    missing: list[Fault] = []
    found = load_yaml(file)
    if only is not None and isinstance(found, dict):
        found = {name: section for name, section in found.items() if name in only}
    raw = _substituted(found, environ, "", missing)
    try:
        settings = parse(raw)
    except SettingsError as error:
        unknown = {fault.path for fault in missing}
        wrong = (fault for fault in error.faults if fault.path not in unknown)
        raise SettingsError((*missing, *wrong)) from error
    if missing:
        raise SettingsError(tuple(missing))
    return settings


def is_given(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether there is a file of settings: a program on somebody's machine may have none."""
    return _file(environ).exists()


def _file(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("AIA_SETTINGS") or FILE)


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
        seen = set[str]()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key.value!r} must be given once", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def load_yaml(file: Path) -> object:
    """What a YAML or JSON file holds, as it stands there.

    Raises:
        SettingsError: it cannot be read, has a key twice, or is deeper or larger than settings are.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise SettingsError((Fault(str(file), "must be a file that can be read", error.strerror),)) from error
    return parse_yaml(data, str(file))


def parse_yaml(data: bytes, name: str, *, most: int = _MOST) -> object:
    """What YAML or JSON holds. What is too much is refused before its values are made.

    Args:
        data: the text, in UTF-8.
        name: of where it is from, for faults.
        most: values, with what its aliases stand for.

    Raises:
        SettingsError: as of `load_yaml`.
    """
    found = _parsed(data, name, most)
    if fault := _excess(name, found, most):
        raise SettingsError((fault,))
    return found


def _parsed(data: bytes, name: str, most: int) -> object:
    try:
        return _constructed(data, name, most)
    except yaml.MarkedYAMLError as error:
        where = f"{name}:{error.problem_mark.line + 1}" if error.problem_mark else name
        raise SettingsError((Fault(where, "must be YAML", error.problem),)) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SettingsError((Fault(name, "must be YAML", str(error)),)) from error


def _constructed(data: bytes, name: str, most: int) -> object:
    """The values of a text. They are counted before, as they stand there and as nodes: merging aliases (`<<`) copies what they stand for."""
    if fault := _excess_of_text(data, name, most):
        raise SettingsError((fault,))
    loader = _Loader(data)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        if (size := _size(node, {})) > most:
            raise SettingsError((_too_large(name, most, size),))
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _excess_of_text(data: bytes, name: str, most: int) -> Fault | None:
    """What is too deep or too much in a text, an alias as one value: nodes are composed by recursion in C, which ends the process."""
    depth = 0
    for number, event in enumerate(yaml.parse(data, Loader=yaml.CSafeLoader)):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST + 1:
            where = f"{name}:{event.start_mark.line + 1}" if event.start_mark else name
            return _too_deep(where)
        if number > _EVENTS * most:
            return _too_large(name, most, f"more than {most:,}")
    return None


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """The number of values below a node, with what its aliases stand for; an alias of what it is in counts as none."""
    if id(node) not in known:
        known[id(node)] = 0
        known[id(node)] = 1 + sum(_size(child, known) for child in _children(node))
    return known[id(node)]


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    match node:
        case yaml.SequenceNode():
            yield from node.value
        case yaml.MappingNode():
            yield from (value for _, value in node.value)


def _too_deep(where: str) -> Fault:
    return Fault(where, f"must be nested at most {_DEEPEST} deep", f"more than {_DEEPEST}")


def _too_large(name: str, most: int, given: int | str) -> Fault:
    return Fault(name, f"must have at most {most:,} values, with what its aliases stand for", given)


def _excess(name: str, found: object, most: int) -> Fault | None:
    """What is too deep or too much. An alias counts as what it stands for, which may be without end."""
    left: list[tuple[str, object, int]] = [("", found, 0)]
    for _ in range(most):
        if not left:
            return None
        path, value, depth = left.pop()
        if depth > _DEEPEST:
            return _too_deep(path)
        left.extend((where, item, depth + 1) for where, item in _items(path, value))
    return _too_large(name, most, f"more than {most:,}")


def _items(path: str, value: object) -> Iterator[tuple[str, Any]]:
    """What is in a list or a mapping, each with its path."""
    match value:
        case list():
            yield from ((f"{path}[{index}]", item) for index, item in enumerate(value))
        case dict():
            yield from ((f"{path}.{key}" if path else str(key), item) for key, item in value.items())


def _substituted(value: Any, environ: Mapping[str, str], path: str, missing: list[Fault]) -> Any:  # noqa: ANN401 - YAML
    match value:
        case str():
            names = _VARIABLE.findall(value)
            missing.extend(_unset(path, name) for name in dict.fromkeys(names) if name not in environ)
            return _VARIABLE.sub(lambda match: environ.get(match[1], match[0]), value) if names else value
        case list():
            return [_substituted(item, environ, where, missing) for where, item in _items(path, value)]
        case dict():
            items = zip(value, _items(path, value), strict=True)
            return {key: _substituted(item, environ, where, missing) for key, (where, item) in items}
    return value


def _unset(path: str, name: str) -> Fault:
    return Fault(path, f"${{{name}}} must be set in the environment")
