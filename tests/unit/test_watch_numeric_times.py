"""Times of a log that are numbers since 1970, of every width."""

import numpy as np
import pyarrow as pa
import pytest

from functions.cli.watch.times import instants


@pytest.mark.parametrize("kind", [pa.int32(), pa.uint32(), pa.int64(), pa.uint64(), pa.float64()], ids=str)
def test_seconds_of_every_width_are_the_same_times(kind: pa.DataType) -> None:
    column = pa.chunked_array([pa.array([1_700_000_000, 1_700_003_600], kind)])
    micros, known, told = instants("at", column, None)
    assert micros.tolist() == [1_700_000_000_000_000, 1_700_003_600_000_000]
    assert known.all()
    assert told == "seconds since 1970"


def test_a_number_that_is_none_is_no_known_time() -> None:
    micros, known, _ = instants("at", pa.chunked_array([pa.array([1_700_000_000.0, np.nan])]), None)
    assert known.tolist() == [True, False]
    assert micros[0] == 1_700_000_000_000_000
