"""A fault of a file, with its line."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """A fault and its place.

    >>> str(Fault("infra/alerts/models.yaml", 12, "ModelDriftHigh: must have the label owner"))
    'infra/alerts/models.yaml:12: ModelDriftHigh: must have the label owner'

    Attributes:
        path: of the file, below the root of the tree.
        line: from 1.
        what: the fault; the name of the rule or tile comes first, if there is one.
    """

    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


class Located(dict[str, Any]):
    """A mapping of a YAML document, with the line it begins on."""

    line: int = 1


class _Loader(yaml.CSafeLoader):
    """Reads mappings with their lines."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> Iterator[Located]:
    located = Located()
    located.line = node.start_mark.line + 1
    yield located  # filled below: it may be named within itself
    located.update({str(key): value for key, value in loader.construct_mapping(node).items()})


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


@lru_cache(maxsize=256)
def load(text: str) -> Any:  # noqa: ANN401 - a YAML document is anything
    r"""Read a YAML document, or JSON, whose mappings say their lines; nobody may change what equal texts share.

    >>> load("a: 1\nb:\n  - c: 2\n")["b"][0].line
    3

    Raises:
        yaml.YAMLError: it is none.
    """
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - it is a safe loader


def line_of(error: yaml.YAMLError) -> int:
    """The line that an error of YAML names, or the first."""
    mark = getattr(error, "problem_mark", None)
    return 1 if mark is None else int(mark.line) + 1
