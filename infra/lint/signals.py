"""Checks of the catalogue of signals: that it names every metric there is, and that each area is watched, alerted and drawn."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import msgspec

from core.settings import Probe
from core.signals import OF_PROBES, Area, Source
from functions.services import signals
from infra.lint.alert_files import RuleFiles
from infra.lint.dashboard_files import Dashboards
from infra.lint.fault import Fault
from infra.lint.promql import KNOWN

_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_NO_WORD = re.compile(r"[^\w -]")
_KINDS = {one.kind for one in get_args(Probe)}


def faults(root: Path, files: RuleFiles, boards: Dashboards) -> Iterator[Fault]:
    """Everything that is wrong with the catalogue of a tree."""
    path = root / signals.FILE
    try:
        areas = signals.areas(path)
    except (OSError, msgspec.ValidationError) as error:
        yield _fault(str(error))
        return
    named = {signal.metric for area in areas for signal in area.signals}
    yield from (_fault(f"{name} is in no area") for name in sorted(_written() - {_family(one) for one in named}))
    yield from (_fault(f"{name}: is no metric that somebody writes") for name in sorted(named - KNOWN.keys()))
    probed = {kind for area in areas for kind in area.probes}
    yield from (_fault(f"probes of kind {kind} are in no area") for kind in sorted(_KINDS - probed))
    yield from (_fault(f"probes: there is no kind {kind}") for kind in sorted(probed - _KINDS))
    alerted = {_family(name) for rule in files.rules for name in KNOWN if name in rule.expr}
    drawn = {_family(name) for _, query in boards.asked for name in KNOWN if name in query.expr}
    yield from (
        _fault(f"{area.name}: {lack}") for area in areas for lack in _lacks(root, area, alerted=alerted, drawn=drawn)
    )


def _written() -> set[str]:
    return {_family(name) for name in KNOWN} - set(OF_PROBES)


def _family(name: str) -> str:
    """The metric of a series: the histogram, where it is one of its series."""
    base = name.rpartition("_")[0]
    return base if f"{base}_bucket" in KNOWN else name


def _lacks(root: Path, area: Area, *, alerted: set[str], drawn: set[str]) -> Iterator[str]:
    names = {_family(signal.metric) for signal in area.signals} | ({*OF_PROBES} if area.probes else set())
    if not names:
        yield "must have a signal or a kind of probe"
    if not names & alerted:
        yield "no alert rule looks at any of its signals"
    if not names & drawn:
        yield "no tile of a dashboard shows any of its signals"
    if area.contract and not (root / area.contract).is_file():
        yield f"contract: must be a file of tests, got {area.contract!r}"
    if area.set_up is None:
        if area.contract and all(signal.source is not Source.GOOGLE for signal in area.signals):
            yield "set_up: must say how, since it is not Google Cloud alone that writes its metrics"
        return
    if not area.contract:
        yield "contract: must be given with set_up"
    if area.set_up.guide not in _sections(root / "docs"):
        yield f"set_up.guide: must be a file in docs/ or a section of one, got {area.set_up.guide!r}"


def _sections(docs: Path) -> set[str]:
    """The guides and their sections, as in `business.md#orders`; an anchor is what GitHub makes of a heading."""
    headings = [(path.name, line) for path in docs.glob("*.md") for line in _HEADING.findall(path.read_text())]
    return {name for name, _ in headings} | {f"{name}#{_anchor(line)}" for name, line in headings}


def _anchor(heading: str) -> str:
    return _NO_WORD.sub("", heading.lower()).replace(" ", "-")


def _fault(what: str) -> Fault:
    return Fault(signals.FILE.as_posix(), 1, what)
