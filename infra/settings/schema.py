"""The JSON Schema of monitoring.yaml (draft 2020-12), by which editors complete and check it.

It takes everything that the reader takes; what only the reader knows (names that must exist, rules over several keys) it
lets pass. A text may have `${NAME}` in it, which the reader fills in from the environment.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from core.settings import Settings
from core.settings.declare import Setting, Spec, Tree, declared, tree_of
from core.settings.notes import Default, Excludes, Items, Mark, NoneAs, Requires, Short
from infra.settings import spelling
from infra.settings.helps import help_of, summary
from infra.settings.leaves import Schema, leaf

FILE = Path(__file__).resolve().parents[1] / "monitoring.schema.json"
_VARIABLE = r"\$\{[A-Za-z_][A-Za-z0-9_]*\}"


def text() -> str:
    """The file."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def schema() -> Schema:
    """The schema of the whole file; each dataclass once, by its name."""
    parts: dict[str, Schema] = {}
    whole = _object(Settings, parts)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "monitoring.yaml"}
    return head | whole | {"$defs": dict(sorted(parts.items()))}


def _object(kind: type, parts: dict[str, Schema]) -> Schema:
    found: Schema = {"description": summary(kind)} | _mapping_of(kind, tree_of(kind), parts)
    for setting in declared(kind):
        _add_conditions(found, setting)
    if isinstance(word := getattr(kind, "kind", None), str):
        found["properties"] = {"kind": {"const": word}} | found["properties"]
        found["required"] = ["kind", *found.get("required", ())]
    return found


def _mapping_of(kind: type, tree: Tree, parts: dict[str, Schema]) -> Schema:
    properties: dict[str, Schema] = {}
    for key, entry in tree.items():
        if not isinstance(entry, Setting):
            properties[key] = _mapping_of(kind, entry, parts)
        elif entry.has(Mark.INLINE):
            properties |= _object(entry.spec.kind, parts)["properties"]
        else:
            properties[key] = _value(entry.spec, parts) | {"description": help_of(kind, entry)} | _default(entry)
    required = [key for key, entry in tree.items() if isinstance(entry, Setting) and entry.required]
    found: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return found | ({"required": required} if required else {})


def _add_conditions(found: Schema, setting: Setting) -> None:
    """What its presence requires and excludes."""
    conditions: list[Schema] = [_present(path.split(".")) for path in setting.spec.note(Requires) or ()]
    conditions += [{"properties": {key: False}} for key in setting.spec.note(Excludes) or ()]
    if conditions:
        found.setdefault("dependentSchemas", {})[setting.keys[-1]] = {"allOf": conditions}


def _present(path: Sequence[str]) -> Schema:
    """That there is a value at the end of a path."""
    first, *rest = path
    return {"required": [first]} | ({"properties": {first: _present(rest)}} if rest else {})


def _default(setting: Setting) -> Schema:
    """What holds without the key, where that is a single value."""
    said = setting.spec.note(Default)
    if setting.required or said or setting.default == "":
        return {}
    default = spelling.value(setting.default) if isinstance(setting.default, timedelta) else setting.default
    return {"default": default} if isinstance(default, (int, float, str)) else {}


def _value(spec: Spec, parts: dict[str, Schema]) -> Schema:
    found = leaf(spec) or _composite(spec, parts)
    if "pattern" in found and found["type"] == "string":
        found = found | {"pattern": f"{found['pattern']}|{_VARIABLE}"}
    if "enum" in found:
        found = {"anyOf": [found, {"type": "string", "pattern": _VARIABLE}]}
    words = spec.note(NoneAs)
    return {"anyOf": [found, {"enum": list(words)}]} if words else found


def _composite(spec: Spec, parts: dict[str, Schema]) -> Schema:
    if spec.origin is Mapping and Mark.BY_NAME not in spec.notes:
        return _free_mapping(spec.inner[0], spec.inner[1], parts)
    if spec.origin in (tuple, frozenset, Mapping):
        return _array(spec.inner[-1 if spec.origin is Mapping else 0], spec.note(Items) or Items(), parts)
    return {"oneOf": [_value(one, parts) for one in spec.inner]} if spec.inner else _reference(spec, parts)


def _array(item: Spec, limits: Items, parts: dict[str, Schema]) -> Schema:
    least = {"minItems": limits.at_least} if limits.at_least else {}
    return {"type": "array", "items": _value(item, parts)} | least | ({"uniqueItems": True} if limits.unique else {})


def _free_mapping(key: Spec, item: Spec, parts: dict[str, Schema]) -> Schema:
    """A mapping whose keys are words of a list, or names of a form; keys are not filled in from the environment."""
    names = leaf(key)
    if "enum" in names:
        each = dict.fromkeys(names["enum"], _value(item, parts))
        return {"type": "object", "properties": each, "additionalProperties": False}
    return {"type": "object", "propertyNames": names, "additionalProperties": _value(item, parts)}


def _reference(spec: Spec, parts: dict[str, Schema]) -> Schema:
    name = spec.kind.__name__
    if name not in parts:
        parts[name] = {}
        parts[name] = _object(spec.kind, parts)
    whole = {"$ref": f"#/$defs/{name}"}
    short = spec.note(Short) or ()
    shorts = [_value(one.spec, parts) for one in declared(spec.kind) if one.name in short]
    return {"anyOf": [*shorts, whole]} if shorts else whole
