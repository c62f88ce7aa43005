r"""Matchers of Alertmanager, and the patterns of targets that silences are made of here.

A silence here is one pattern of targets, in which `*` stands for any text. So one matcher of a label that names a target can be
expressed, by equality or by a regular expression of literals and `.*`; anything else is refused.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.patterns import matches
from functions.alert_intake import targets
from functions.alert_intake.reading import Json, UnreadableError, mapping, text

_LONGEST = 300
_MATCHER = re.compile(r"\s*([A-Za-z_:][\w:]*)\s*(=~|!~|!=|=)\s*(.*?)\s*", re.DOTALL)
_SPECIAL = frozenset(".+*?()[]{}|^$")


@dataclass(frozen=True, slots=True)
class Matcher:
    """A condition on one label.

    Attributes:
        name: of the label.
        value: text, or a regular expression for the whole of it.
        is_regex: which of both.
        is_equal: whether the label must match, or must not.
    """

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True

    def accepts(self, labels: Mapping[str, str]) -> bool:
        """Whether labels match; one that is not there is empty.

        Raises:
            UnreadableError: the regular expression is more than literals and `.*`.
        """
        given = labels.get(self.name, "")
        same = matches(wildcards(self.value), given) if self.is_regex else given == self.value
        return same is self.is_equal


def parsed(given: str) -> Matcher:
    """A matcher as a filter of the API has it.

    Raises:
        UnreadableError: it is none.

    >>> parsed('service=~"shop.*"'), parsed("alertname!=Slow").is_equal
    (Matcher(name='service', value='shop.*', is_regex=True, is_equal=True), False)
    """
    found = _MATCHER.fullmatch(given[:_LONGEST])
    if found is None:
        raise UnreadableError(f'filter: must be a matcher, as in service="shop", got {given[:80]!r}')
    name, sign, value = found.groups()
    if value[:1] == '"':
        try:
            value = text(json.loads(value))
        except ValueError as error:
            raise UnreadableError(f"filter: must be quoted as in JSON, got {value[:80]!r}") from error
    return Matcher(name, value, is_regex="~" in sign, is_equal="!" not in sign)


def decoded(given: Json) -> Matcher:
    """A matcher of the body of a silence."""
    given = mapping(given)
    value = given.get("value")
    return Matcher(
        text(given.get("name")),
        value if isinstance(value, str) else "",
        is_regex=given.get("isRegex") is True,
        is_equal=given.get("isEqual") is not False,
    )


def pattern(matchers: Sequence[Matcher]) -> str:
    r"""The pattern of targets that matchers mean.

    Raises:
        UnreadableError: no pattern means the same.

    >>> pattern([Matcher("service", "shop")]), pattern([Matcher("target", r"model/.*", is_regex=True)])
    ('service/shop', 'model/*')
    """
    known = ("target", *targets.SORTS)
    if len(matchers) != 1 or matchers[0].name not in known:
        got = ", ".join(one.name[:40] for one in matchers[:8]) or "none"
        raise UnreadableError(f"matchers: must be one, of a label that names a target ({', '.join(known)}), got {got}")
    [one] = matchers
    if not one.is_equal:
        raise UnreadableError(
            f"matchers: {one.name} must be = or =~: a silence of all but some is not expressed by a pattern"
        )
    if not one.is_regex:
        _refuse_star(one)
        return targets.explicit(one.value) if one.name == "target" else targets.make(targets.SORTS[one.name], one.value)
    wanted = wildcards(one.value)
    if not wanted.strip("*"):
        raise UnreadableError(f"matchers: {one.name} must not match everything, got {one.value[:80]!r}")
    return wanted if one.name == "target" else f"{targets.SORTS[one.name]}/{wanted}"


def of_pattern(given: str) -> Matcher:
    r"""The matcher that a pattern is.

    >>> of_pattern("model/churn").value, of_pattern("model/a.*").value
    ('model/churn', 'model/a\\..*')
    """
    if "*" not in given:
        return Matcher("target", given)
    return Matcher(
        "target", ".*".join(re.sub(r"([.+*?()\[\]{}|^$\\])", r"\\\1", part) for part in given.split("*")), is_regex=True
    )


def wildcards(regex: str) -> str:
    r"""The pattern with `*` that a regular expression means.

    Raises:
        UnreadableError: it is more than literals and `.*`.

    >>> wildcards(r"^web-1\.example.*$")
    'web-1.example*'
    """
    if len(regex) > _LONGEST:
        raise UnreadableError(f"matchers: must be at most {_LONGEST} characters, got {len(regex)}")
    found, rest = "", regex.removeprefix("^")
    if rest.endswith("$") and not rest.endswith("\\$"):
        rest = rest[:-1]
    while rest:
        if rest.startswith(".*"):
            found, rest = f"{found}*", rest[2:]
            continue
        literal = rest[1:2] if rest[0] == "\\" else rest[0]
        escaped = rest[0] == "\\"
        if not literal or literal == "*" or (escaped and literal.isalnum()) or (not escaped and literal in _SPECIAL):
            raise UnreadableError(
                f"matchers: a regular expression may only have literals and .* (a dot as \\.), got {regex[:80]!r}"
            )
        found, rest = found + literal, rest[1 + escaped :]
    return found


def _refuse_star(one: Matcher) -> None:
    if not one.value.strip() or "*" in one.value:
        raise UnreadableError(f"matchers: {one.name} must be a text without *, got {one.value[:80]!r}")
