"""Profiles as bytes: an npz archive of plain arrays, with a version, read without pickle. Apart from `core.drift`: it needs zipfile and json."""

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from core.drift import classifier
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

VERSION = 4
"""Of the format; it changes when an older reader would misunderstand."""

_CALIBRATION = ("slots", "by_slot", "anywhere")
_PAIRS = ("products", "spreads", "apart")
_GRID = ("edges", "sizes", "cells", "special", "coarse", "mean", "sd", "moments")


def dump_profile(profile: Profile) -> bytes:
    """The profile as a compressed npz archive, without pickle."""
    head = {
        "version": VERSION,
        "names": profile.names,
        "rows": profile.rows,
        "numeric": profile.grid.names,
        "origins": profile.grid.origins,
        "categorical": [
            {"name": part.name, "values": part.values, "once": part.once, "holds": part.holds}
            for part in profile.categorical
        ],
        "samples": [[one.size, one.ks, one.wasserstein] for one in profile.samples],
        "segments": [{"by": part.by, "segment": part.segment, "rows": part.rows} for part in profile.segments],
        "population": profile.dependence.rows,
        "left_out": dict(profile.left_out),
        "together": profile.joint.names,
        "together_rows": profile.joint.pairs.rows,
        "calibrated": profile.calibration is not None,
    }
    arrays = {name: getattr(profile.grid, name) for name in _GRID}
    arrays |= _together_arrays(profile.joint)
    arrays["between"] = profile.dependence.between
    arrays |= {f"categories_{k}": part.counts for k, part in enumerate(profile.categorical)}
    arrays |= {f"groups_{k}": part.groups for k, part in enumerate(profile.categorical)}
    arrays |= {f"sample_{k}": sample.values for k, sample in enumerate(profile.samples)}
    arrays |= {f"at_{k}": sample.at.astype(np.int32) for k, sample in enumerate(profile.samples) if sample.at.size}
    arrays |= {f"segment_{k}_{i}": row for k, part in enumerate(profile.segments) for i, row in enumerate(part.bins)}
    if profile.calibration:
        arrays |= {f"calibration_{name}": getattr(profile.calibration, name) for name in _CALIBRATION}
    target = io.BytesIO()
    np.savez_compressed(target, head=np.frombuffer(json.dumps(head).encode(), dtype=np.uint8), **arrays)
    return target.getvalue()


def load_profile(data: bytes) -> Profile:
    """The profile that the bytes hold.

    Raises:
        ProfileError: the bytes are no archive, miss an array, or are of an unknown version.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return _read({name: archive[name] for name in archive.files})
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        if isinstance(error, ProfileError):
            raise
        raise ProfileError(f"profile: must be an npz archive, got {len(data)} bytes: {error}") from error


def _read(arrays: dict[str, Any]) -> Profile:
    head = _head(arrays)
    try:
        profile = Profile.assemble(
            names=tuple(head["names"]),
            rows=head["rows"],
            grid=Grid(
                names=tuple(head["numeric"]), origins=tuple(head["origins"]), **{name: arrays[name] for name in _GRID}
            ),
            categorical=tuple(_categories(head, arrays)),
            samples=tuple(_samples(head, arrays)),
            dependence=Dependence(rows=head["population"], between=arrays["between"]),
            together=_together(head, arrays),
            left_out={name: LeftOut(why) for name, why in head["left_out"].items()},
        )
        return replace(profile, segments=tuple(_segments(head, arrays)), calibration=_calibration(head, arrays))
    except (KeyError, TypeError) as error:
        raise ProfileError(f"profile: must hold {error}, got {sorted(arrays)}") from error


def _categories(head: dict[str, Any], arrays: dict[str, Any]) -> Iterator[Categories]:
    for k, part in enumerate(head["categorical"]):
        yield Categories.of(**part, counts=arrays[f"categories_{k}"], groups=arrays[f"groups_{k}"])


def _samples(head: dict[str, Any], arrays: dict[str, Any]) -> Iterator[Sketch]:
    for k, (size, ks, wasserstein) in enumerate(head["samples"]):
        at = arrays[f"at_{k}"].astype(np.int64) if f"at_{k}" in arrays else np.zeros(0, dtype=np.int64)
        yield Sketch(values=arrays[f"sample_{k}"], at=at, size=size, ks=ks, wasserstein=wasserstein)


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


def _head(arrays: dict[str, Any]) -> dict[str, Any]:
    if "head" not in arrays:
        raise ProfileError(f"profile: must hold 'head', got {sorted(arrays)}")
    head: dict[str, Any] = json.loads(arrays["head"].tobytes())
    if head.get("version") != VERSION:
        raise ProfileError(f"profile version: must be {VERSION}, got {head.get('version')!r}")
    return head
