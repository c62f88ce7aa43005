"""The line of a file at which a setting is."""

import re
from pathlib import Path

import yaml

_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


class Lines:
    """The lines of the settings of a file, by their paths; of a setting that is not there, the line of what it would be in."""

    def __init__(self, file: Path) -> None:
        try:
            self._root = yaml.compose(file.read_bytes(), Loader=yaml.CSafeLoader)
        except (OSError, yaml.YAMLError):
            self._root = None

    def of(self, path: str) -> int | None:
        """The line of a path, as in `models[2].reference.days`; None where the file is no YAML."""
        node, line = self._root, None
        for index, key in _STEP.findall(path):
            if node is None:
                return line
            line = line or node.start_mark.line + 1
            found = _item(node, int(index)) if index else _value(node, key)
            if found is None:
                return line
            line, node = found
        return line


def _item(node: yaml.Node, index: int) -> tuple[int, yaml.Node] | None:
    if not isinstance(node, yaml.SequenceNode) or index >= len(node.value):
        return None
    item = node.value[index]
    return item.start_mark.line + 1, item


def _value(node: yaml.Node, key: str) -> tuple[int, yaml.Node] | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    for name, value in node.value:
        if name.value == key:
            return name.start_mark.line + 1, value
    return None
