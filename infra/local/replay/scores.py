"""The model's score of every flight, from `infra/local/data/predictions.parquet`.

    python -m infra.local.replay.scores

trains the model and writes the file anew. What a model predicts is an input of what watches it; shipped, nobody who
starts the stack waits for a training. A test trains the model again and compares.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from infra.local.replay.flights import FLIGHTS, Array, Flights

PREDICTIONS = FLIGHTS.with_name("predictions.parquet")
_COLUMN = "probability_millionths"
_MILLION = 1_000_000


def probabilities(path: Path = PREDICTIONS) -> Array:
    """The model's score of every flight, 0 to 1, in the order of `Flights`."""
    return np.asarray(pq.read_table(path)[_COLUMN].to_numpy() / _MILLION)


def write(scores: Array, path: Path = PREDICTIONS) -> None:
    """Write the scores, which have six digits, as small as parquet makes them."""
    whole = np.round(scores * _MILLION).astype(np.int32)
    pq.write_table(
        pa.table({_COLUMN: whole}),
        path,
        compression="zstd",
        compression_level=22,
        use_dictionary=False,
        column_encoding={_COLUMN: "BYTE_STREAM_SPLIT"},
        row_group_size=len(whole),
        data_page_size=16 << 20,
        write_statistics=False,
        store_schema=False,
    )


def main() -> None:
    """Train the model on January and February, score every flight, and write the file."""
    from infra.local.replay.train import score  # noqa: PLC0415 - scikit-learn takes a second to import

    scores = score(Flights.read(FLIGHTS))
    write(scores)
    print(f"{len(scores)} predictions, {PREDICTIONS.stat().st_size} bytes in {PREDICTIONS}")


if __name__ == "__main__":
    main()
