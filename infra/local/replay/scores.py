"""The model's scores, worked out once."""

import hashlib
import os
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from infra.local.replay.flights import Array, Flights

KEPT = Path(__file__).resolve().parents[3] / "build" / "replay"
"""Where scores are kept for every stack of this machine."""

_CODE = ("flights.py", "train.py")


def probabilities(flights: Flights, path: Path, cache: Path = KEPT) -> Array:
    """The model's score of every flight, 0 to 1.

    Args:
        flights: what is scored.
        path: the file that they were read from.
        cache: a folder; scores that the same code worked out there before, from the same file, are read again.
    """
    kept = cache / f"predictions-{_digest(path)}.parquet"
    if not kept.exists():
        _keep(flights, kept)
    return np.asarray(pq.read_table(kept)["probability"].to_numpy())


def _keep(flights: Flights, kept: Path) -> None:
    from infra.local.replay.train import score  # noqa: PLC0415 - scikit-learn costs a second, and only the first start

    kept.parent.mkdir(parents=True, exist_ok=True)
    unfinished = kept.with_suffix(f".{os.getpid()}.part")  # another stack may work them out at the same time
    pq.write_table(pa.table({"probability": score(flights)}), unfinished, compression="zstd")
    unfinished.replace(kept)


def _digest(path: Path) -> str:
    digest = hashlib.sha256(version("scikit-learn").encode())
    for source in (path, *(Path(__file__).with_name(name) for name in _CODE)):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]
