"""The filter language of the Cloud Monitoring API, as far as the server supports it: comparisons joined by AND.

`metric.type = "prometheus.googleapis.com/aia_probe_up/gauge" AND metric.labels.probe = "api"`, or
`metric.type = starts_with("prometheus.googleapis.com/aia_")`; everything else of the language is refused.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_TERM = re.compile(
    r"""(?P<key>metric\.type|(?:metric|resource)\.labels?\.\w+)\s*=\s*
        (?:"(?P<value>[^"]*)"|starts_with\(\s*"(?P<prefix>[^"]*)"\s*\))""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison."""

    key: str
    value: str
    prefix: bool

    def matches(self, given: Mapping[str, str]) -> bool:
        """Whether a value matches it."""
        value = given.get(self.key)
        return value is not None and (value.startswith(self.value) if self.prefix else value == self.value)


def parse(text: str) -> tuple[Term, ...]:
    """The comparisons of a filter.

    Raises:
        ValueError: the filter is invalid or unsupported.
    """
    return tuple(_term(part) for part in re.split(r"\s+AND\s+", text.strip())) if text.strip() else ()


def _term(text: str) -> Term:
    match = _TERM.fullmatch(text.strip())
    if match is None:
        raise ValueError(f'filter: must be `metric.type = "..."` and labels joined by AND, got {text!r}')
    prefix = match["prefix"] is not None
    return Term(match["key"].replace(".label.", ".labels."), match["prefix"] if prefix else match["value"], prefix)
