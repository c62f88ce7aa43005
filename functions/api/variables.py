"""The variables of a dashboard: what a viewer chose, put into the queries so that it can be nothing but a value."""

import re
from collections.abc import Mapping, Sequence

import flask
from werkzeug.exceptions import BadRequest

from functions.api.widgets import Filter

LONGEST = 200
"""Characters of a value."""
ANY = ".*"
"""What stands for a value where nothing is chosen."""
SHORTEST_INTERVAL = 60
"""Seconds that `${__interval}` is at least: nothing is written more often."""
_VARIABLE = re.compile(r"\$\{(\w+)(\.value)?\}")
_SHOWN = 80


def chosen(request: flask.Request, filters: Sequence[Filter]) -> dict[str, str]:
    """What the request says of each variable, or else what the dashboard does; empty where nothing is chosen.

    Raises:
        BadRequest: a value is none that a label of ours has.
    """
    return {one.template_variable: _value(request, one) for one in filters if one.template_variable}


def filled(query: str, filters: Sequence[Filter], values: Mapping[str, str], *, step: int) -> str:
    r"""A query with its variables filled in, as Cloud Monitoring does: `${model}` is a matcher, `${model.value}` the value.

    >>> filled("up{${m}}", [Filter(label_key="model", template_variable="m")], {"m": 'a.b"}'}, step=60)
    'up{model=~"a\\\\.b\\"\\\\}"}'
    >>> filled("rate(x[${__interval}])", [], {}, step=15)
    'rate(x[60s])'
    """
    labels = {one.template_variable: one.label_key for one in filters}

    def replaced(found: re.Match[str]) -> str:
        name, alone = found[1], found[2]
        if name == "__interval":
            return f"{max(step, SHORTEST_INTERVAL)}s"
        if name not in labels:
            return found[0]
        value = _literal(values.get(name, ""))
        return value if alone else f'{labels[name]}=~"{value}"'

    return _VARIABLE.sub(replaced, query)


def _literal(value: str) -> str:
    """A regular expression that only the value matches, as it stands within the quotes of PromQL."""
    pattern = re.escape(value) if value else ANY
    return pattern.replace("\\", "\\\\").replace('"', '\\"')


def _value(request: flask.Request, one: Filter) -> str:
    name = one.template_variable
    given = request.args.get(name)
    if given is None:
        return "" if one.string_value == ANY else one.string_value
    if len(given) > LONGEST or not given.isprintable():
        raise BadRequest(f"{name}: must be at most {LONGEST} printable characters, got {given[:_SHOWN]!r}")
    return given
