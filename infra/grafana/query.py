"""Queries, names and units of Cloud Monitoring's dashboards, as Grafana writes them."""

import re
from collections.abc import Iterable

UNITS = {"1": "short", "s": "s", "10^2.%": "percentunit", "USD": "currencyUSD"}
"""Grafana's name of a unit by that of UCUM."""
_VARIABLE = re.compile(r"\$\{(\w+)(\.value)?\}")
_LABEL = re.compile(r"\$\{(\w+)\}")
_METRIC = re.compile(r"([A-Za-z_:][\w:]*)\{[^}]*\$\{(\w+)\}")
_LINK = re.compile(r"\[([^\[\]]*)\]\((docs/runbooks/[^)]*)\)")


def expression(query: str) -> str:
    """A query with the variables of Grafana.

    >>> expression('max(up{job="a", ${model}}) + rate(x_total[${__interval}])')
    'max(up{job="a", model=~"$model"}) + rate(x_total[$__interval])'
    >>> expression('up{model!~"${model.value}"}')
    'up{model!~"$model"}'
    """
    return _VARIABLE.sub(_replaced, query)


def _replaced(match: re.Match[str]) -> str:
    name, alone = match[1], match[2]
    return f"${name}" if alone or name == "__interval" else f'{name}=~"${name}"'


def legend(template: str) -> str:
    """How series are called.

    >>> legend("${model}, by ${test}")
    '{{model}}, by {{test}}'
    """
    return _LABEL.sub(r"{{\1}}", template)


def unit(name: str) -> str:
    """Grafana's name of a unit.

    Raises:
        ValueError: it has none.

    >>> unit("10^2.%")
    'percentunit'
    """
    if name not in UNITS:
        raise ValueError(f"unitOverride: must be one of {', '.join(UNITS)}, got {name!r}")
    return UNITS[name]


def metric_of(variable: str, queries: Iterable[str]) -> str:
    """The metric whose labels are the choices of a variable: the first that uses it.

    Raises:
        ValueError: none is.

    >>> metric_of("model", ["up", "max(aia_drift_rows{${model}})"])
    'aia_drift_rows'
    """
    for query in queries:
        for metric, name in _METRIC.findall(query):
            if name == variable:
                return str(metric)
    raise ValueError(f"templateVariable: must choose a metric in a query, got {variable!r}, which chooses none")


def linked(markdown: str, runbooks: str) -> str:
    """A text whose links point to the runbooks; without their address, the path is plain text.

    >>> linked("[Drift](docs/runbooks/models.md#drift)", "https://example.com/runbooks")
    '[Drift](https://example.com/runbooks/models.md#drift)'
    >>> linked("[Drift](docs/runbooks/models.md#drift)", "")
    'Drift (docs/runbooks/models.md#drift)'
    """
    if not runbooks:
        return _LINK.sub(r"\1 (\2)", markdown)
    return markdown.replace("](docs/runbooks/", f"]({runbooks}/")
