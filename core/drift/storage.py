"""Profiles as bytes: an archive of plain arrays, with a version. Apart from `core.drift`: it needs zlib and json."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, overload

from core.drift import classifier
from core.drift.archive import pack, unpack
from core.drift.calibration import Calibration
from core.drift.categories import Categories
from core.drift.cells import Constants
from core.drift.columns import ProfileError
from core.drift.dependence import Dependence
from core.drift.exclusion import LeftOut
from core.drift.grid import Grid
from core.drift.joint import JointReference
from core.drift.outline import Outline
from core.drift.pairs import Pairs
from core.drift.profile import Profile, SegmentReference
from core.drift.sample import Sketch
from core.drift.tail import Places

VERSION = 7
"""Of the format; it changes when an older reader would misunderstand."""

_CALIBRATION = ("slots", "by_slot", "anywhere")
_PAIRS = ("products", "spreads", "apart")
_GRID = ("edges", "sizes", "cells", "special", "coarse", "mean", "sd", "moments")
_TAILS = ("edges", "beyond", "known", "clip", "ends")
_CONSTANTS = ("coarsest", "span", "ties", "spread", "bins")
_SIZE = 4  # bytes of the length of each archive


def dump_profile(profile: Profile) -> bytes:
    """The profile as two compressed archives: the second one has the samples, which a window that was only counted asks for never."""
    sketches = profile.samples.sketches
    arrays: dict[str, Any] = {f"sample_{k}": sketch.values for k, sketch in enumerate(sketches)}
    arrays |= {f"at_{k}": sketch.at for k, sketch in enumerate(sketches)}
    archives = pack(_head(profile), _arrays(profile)), pack({}, arrays)
    return b"".join((*(len(one).to_bytes(_SIZE, "little") for one in archives), *archives))


def load_profile(data: bytes) -> Profile:
    """The profile that the bytes hold; its samples are decoded when they are asked for.

    Raises:
        ProfileError: the bytes are no archive, miss an array, or are of an unknown version.
    """
    start = 2 * _SIZE
    end = start + int.from_bytes(data[:_SIZE], "little")
    if len(data) != end + int.from_bytes(data[_SIZE:start], "little"):
        raise ProfileError(f"profile: must be two archives of arrays, got {len(data)} bytes")
    head, arrays = _unpacked(data[start:end])
    if head.get("version") != VERSION:
        raise ProfileError(f"profile version: must be {VERSION}, got {head.get('version')!r}")
    with _complete(arrays):
        return Profile.assemble(
            names=tuple(head["names"]),
            rows=head["rows"],
            grid=_grid(head, arrays),
            categorical=tuple(_categories(head, arrays)),
            sketches=_Stored(head["samples"], data[end:]),
            fingerprint=head["fingerprint"],
            dependence=Dependence(rows=head["population"], between=arrays["between"]),
            together=_together(head, arrays),
            outline=Outline(
                edges=tuple(map(tuple, head["drawn"])), starts=arrays["drawn_starts"], rows=arrays["drawn_rows"]
            ),
            left_out={name: LeftOut(why) for name, why in head["left_out"].items()},
            constants=Constants(**{name: arrays[f"constant_{name}"] for name in _CONSTANTS}),
            segments=tuple(_segments(head, arrays)),
            calibration=_calibration(head, arrays),
        )


class _Stored(Sequence[Sketch]):
    """The samples of a profile as they are stored; the first that is asked for decodes all.

    Args:
        about: of each its size and errors.
        data: an archive of their values.
    """

    def __init__(self, about: Sequence[tuple[int, float, float]], data: bytes) -> None:
        self._about = about
        self._data = data

    def __len__(self) -> int:
        return len(self._about)

    @overload
    def __getitem__(self, at: int) -> Sketch: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[Sketch]: ...

    def __getitem__(self, at: int | slice) -> Sketch | Sequence[Sketch]:
        """One, or some.

        Raises:
            ProfileError: the archive is none, or misses one.
        """
        return self._decoded[at]

    @cached_property
    def _decoded(self) -> tuple[Sketch, ...]:
        _, arrays = _unpacked(self._data)
        with _complete(arrays):
            return tuple(
                Sketch(values=arrays[f"sample_{k}"], at=arrays[f"at_{k}"], size=size, ks=ks, wasserstein=wasserstein)
                for k, (size, ks, wasserstein) in enumerate(self._about)
            )


def _unpacked(data: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        return unpack(data)
    except ValueError as error:
        raise ProfileError(f"profile: must be an archive of arrays, got {len(data)} bytes: {error}") from error


@contextmanager
def _complete(arrays: Iterable[str]) -> Iterator[None]:
    """Says which array an archive misses."""
    try:
        yield
    except (KeyError, TypeError) as error:
        raise ProfileError(f"profile: must hold {error}, got {sorted(arrays)}") from error


def _head(profile: Profile) -> dict[str, Any]:
    return {
        "version": VERSION,
        "names": profile.names,
        "rows": profile.rows,
        "numeric": profile.grid.names,
        "origins": profile.grid.origins,
        "labels": profile.grid.labels,
        "fingerprint": profile.fingerprint,
        "categorical": [
            {"name": part.name, "values": part.values, "once": part.once, "holds": part.holds}
            for part in profile.categorical
        ],
        "samples": [[one.size, one.ks, one.wasserstein] for one in profile.samples.sketches],
        "segments": [{"by": part.by, "segment": part.segment, "rows": part.rows} for part in profile.segments],
        "population": profile.dependence.rows,
        "left_out": dict(profile.left_out),
        "together": profile.joint.names,
        "together_rows": profile.joint.pairs.rows,
        "drawn": profile.outline.edges,
        "calibrated": profile.calibration is not None,
    }


def _arrays(profile: Profile) -> dict[str, Any]:
    arrays = {name: getattr(profile.grid, name) for name in _GRID}
    arrays |= {f"tails_{name}": getattr(profile.grid.tails, name) for name in _TAILS}
    arrays |= _together_arrays(profile.joint)
    arrays |= {"drawn_starts": profile.outline.starts, "drawn_rows": profile.outline.rows}
    arrays |= {f"constant_{name}": getattr(profile.prepared.constants, name) for name in _CONSTANTS}
    arrays["between"] = profile.dependence.between
    arrays |= {f"categories_{k}": part.counts for k, part in enumerate(profile.categorical)}
    arrays |= {f"groups_{k}": part.groups for k, part in enumerate(profile.categorical)}
    arrays |= {f"place_{k}": part.place for k, part in enumerate(profile.categorical)}
    arrays |= {f"segment_{k}_{i}": row for k, part in enumerate(profile.segments) for i, row in enumerate(part.bins)}
    if profile.calibration:
        arrays |= {f"calibration_{name}": getattr(profile.calibration, name) for name in _CALIBRATION}
    return arrays


def _grid(head: dict[str, Any], arrays: dict[str, Any]) -> Grid:
    return Grid(
        names=tuple(head["numeric"]),
        origins=tuple(head["origins"]),
        labels=tuple(map(tuple, head["labels"])),
        tails=Places(**{name: arrays[f"tails_{name}"] for name in _TAILS}),
        **{name: arrays[name] for name in _GRID},
    )


def _categories(head: dict[str, Any], arrays: dict[str, Any]) -> Iterator[Categories]:
    for k, part in enumerate(head["categorical"]):
        found = {"counts": arrays[f"categories_{k}"], "groups": arrays[f"groups_{k}"], "place": arrays[f"place_{k}"]}
        yield Categories(**part | found | {"values": tuple(part["values"])})


def _together_arrays(found: JointReference) -> dict[str, Any]:
    pairs = {f"together_{name}": getattr(found.pairs, name) for name in _PAIRS}
    classes = {"together_places": found.classes.places, "together_codes": found.classes.codes}
    return pairs | classes | {"together_middle": found.middle, "together_scale": found.scale}


def _together(head: dict[str, Any], arrays: dict[str, Any]) -> JointReference:
    known = dict(zip(head["numeric"], head["origins"], strict=True))
    return JointReference(
        names=tuple(head["together"]),
        origins={name: known[name] for name in head["together"] if name in known},
        middle=arrays["together_middle"],
        scale=arrays["together_scale"],
        pairs=Pairs(rows=head["together_rows"], **{name: arrays[f"together_{name}"] for name in _PAIRS}),
        classes=classifier.Reference.of(arrays["together_places"], arrays["together_codes"]),
    )


def _segments(head: dict[str, Any], arrays: dict[str, Any]) -> Iterator[SegmentReference]:
    features = range(len(head["numeric"]) + len(head["categorical"]))
    for k, part in enumerate(head["segments"]):
        yield SegmentReference(**part, bins=tuple(arrays[f"segment_{k}_{i}"] for i in features))


def _calibration(head: dict[str, Any], arrays: dict[str, Any]) -> Calibration | None:
    if not head["calibrated"]:
        return None
    return Calibration(**{name: arrays[f"calibration_{name}"] for name in _CALIBRATION})
