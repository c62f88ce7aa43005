"""Windows that were counted by slots, as BigQuery gives them."""

import base64

import numpy as np

from core.drift import Counts, Profile
from core.drift.columns import Ints
from functions.adapters.ports import Data

TOTALS = ("low_total", "middle_total", "high_total")


def cells_of(profile: Profile, counts: Counts) -> list[Data]:
    """Counts by feature, and those of the rows as a whole."""
    whole = {
        "feature": -2,
        **_packed(np.array([0, 0, 0, counts.rows])),
        **dict.fromkeys(TOTALS, 0.0),
        "lowest": None,
        "highest": None,
    }
    return [whole] + [
        {
            "feature": k,
            **_packed(np.concatenate((counts.special[k, ::-1], counts.cells[k, : size + 1]))),
            **dict(zip(TOTALS, counts.sums[k].tolist(), strict=True)),
            "lowest": float(counts.lowest[k]),
            "highest": float(counts.highest[k]),
        }
        for k, size in enumerate(profile.grid.sizes.tolist())
    ]


def _packed(numbers: Ints) -> Data:
    width = 2 if numbers.max() < 1 << 16 else 8
    text = base64.b64encode(numbers.astype(f">u{width}").tobytes()).decode()
    return {"n_rows": int(numbers.sum()), "width": width, "counts": text}
