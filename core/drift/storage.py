"""Profiles as bytes: an archive of plain arrays, with a version. Apart from `core.drift`: it needs zlib and json."""

from collections.abc import Iterator
from typing import Any

from core.drift import classifier
from core.drift.archive import pack, unpack
from core.drift.calibration import Calibration
from core.drift.categories import Categories
from core.drift.columns import ProfileError
from core.drift.dependence import Dependence
from core.drift.exclusion import LeftOut
from core.drift.grid import Grid
from core.drift.joint import JointReference
from core.drift.pairs import Pairs
from core.drift.profile import Profile, SegmentReference
from core.drift.sample import Sketch
from core.drift.tail import Places

VERSION = 5
"""Of the format; it changes when an older reader would misunderstand."""

_CALIBRATION = ("slots", "by_slot", "anywhere")
_PAIRS = ("products", "spreads", "apart")
_GRID = ("edges", "sizes", "cells", "special", "coarse", "mean", "sd", "moments")
_TAILS = ("edges", "beyond", "known", "clip", "ends")


def dump_profile(profile: Profile) -> bytes:
    """The profile as a compressed archive."""
    sketches = profile.samples.sketches
    head = {
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
        "samples": [[one.size, one.ks, one.wasserstein] for one in sketches],
        "segments": [{"by": part.by, "segment": part.segment, "rows": part.rows} for part in profile.segments],
        "population": profile.dependence.rows,
        "left_out": dict(profile.left_out),
        "together": profile.joint.names,
        "together_rows": profile.joint.pairs.rows,
        "calibrated": profile.calibration is not None,
    }
    arrays = {name: getattr(profile.grid, name) for name in _GRID}
    arrays |= {f"tails_{name}": getattr(profile.grid.tails, name) for name in _TAILS}
    arrays |= _together_arrays(profile.joint)
    arrays["between"] = profile.dependence.between
    arrays |= {f"categories_{k}": part.counts for k, part in enumerate(profile.categorical)}
    arrays |= {f"groups_{k}": part.groups for k, part in enumerate(profile.categorical)}
    arrays |= {f"place_{k}": part.place for k, part in enumerate(profile.categorical)}
    arrays |= {f"sample_{k}": sketch.values for k, sketch in enumerate(sketches)}
    arrays |= {f"at_{k}": sketch.at for k, sketch in enumerate(sketches)}
    arrays |= {f"segment_{k}_{i}": row for k, part in enumerate(profile.segments) for i, row in enumerate(part.bins)}
    if profile.calibration:
        arrays |= {f"calibration_{name}": getattr(profile.calibration, name) for name in _CALIBRATION}
    return pack(head, arrays)


def load_profile(data: bytes) -> Profile:
    """The profile that the bytes hold.

    Raises:
        ProfileError: the bytes are no archive, miss an array, or are of an unknown version.
    """
    try:
        head, arrays = unpack(data)
    except ValueError as error:
        raise ProfileError(f"profile: must be an archive of arrays, got {len(data)} bytes: {error}") from error
    if head.get("version") != VERSION:
        raise ProfileError(f"profile version: must be {VERSION}, got {head.get('version')!r}")
    try:
        return Profile.assemble(
            names=tuple(head["names"]),
            rows=head["rows"],
            grid=_grid(head, arrays),
            categorical=tuple(_categories(head, arrays)),
            sketches=tuple(_sketches(head, arrays)),
            fingerprint=head["fingerprint"],
            dependence=Dependence(rows=head["population"], between=arrays["between"]),
            together=_together(head, arrays),
            left_out={name: LeftOut(why) for name, why in head["left_out"].items()},
            segments=tuple(_segments(head, arrays)),
            calibration=_calibration(head, arrays),
        )
    except (KeyError, TypeError) as error:
        raise ProfileError(f"profile: must hold {error}, got {sorted(arrays)}") from error


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


def _sketches(head: dict[str, Any], arrays: dict[str, Any]) -> Iterator[Sketch]:
    for k, (size, ks, wasserstein) in enumerate(head["samples"]):
        yield Sketch(values=arrays[f"sample_{k}"], at=arrays[f"at_{k}"], size=size, ks=ks, wasserstein=wasserstein)


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
