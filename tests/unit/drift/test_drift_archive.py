"""Arrays as bytes: they come back as they were, bit by bit, and bytes that are none are refused."""

import json
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from numpy.typing import NDArray

from core.drift.archive import pack, unpack

KINDS = st.sampled_from([np.dtype(kind) for kind in ("f8", "f4", "i8", "u4", "u1", "?")])
ARRAYS = st.dictionaries(
    st.text(max_size=4),
    arrays_of.arrays(KINDS, arrays_of.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=40)),
    max_size=5,
)


@given(arrays=ARRAYS, head=st.dictionaries(st.text(max_size=4), st.integers() | st.text(max_size=4), max_size=3))
def test_arrays_come_back_bit_by_bit(arrays: dict[str, NDArray[Any]], head: dict[str, Any]) -> None:
    data = pack(head, arrays)
    found_head, found = unpack(data)
    assert found_head == head
    assert list(found) == list(arrays)
    for name, values in arrays.items():
        assert (found[name].dtype, found[name].shape) == (values.dtype, values.shape)
        assert found[name].tobytes() == values.tobytes()
    assert pack(found_head, found) == data


def test_what_is_alike_takes_little_room() -> None:
    edges = np.sort(np.random.default_rng(1).standard_normal(20_000))
    assert len(pack({}, {"edges": edges})) < edges.nbytes * 0.8
    assert len(pack({}, {"counts": np.full(20_000, 300)})) < 400


@pytest.mark.parametrize("most", [0, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**63 - 1])
def test_whole_numbers_at_the_ends_of_their_bytes_come_back(most: int) -> None:
    values = np.array([0, most // 2, most])
    assert unpack(pack({}, {"a": values}))[1]["a"].tolist() == values.tolist()


def test_arrays_can_be_written_to() -> None:
    found = unpack(pack({}, {"a": np.arange(3.0), "b": np.arange(4)}))[1]
    found["a"][0] = 9.0
    assert (found["a"].tolist(), found["b"].tolist()) == ([9.0, 1.0, 2.0], [0, 1, 2, 3])


@pytest.mark.parametrize("kind", ["O", "|O8", "<U4", "<i3", "nonsense"])
def test_other_kinds_than_numbers_are_refused(kind: str) -> None:
    listed = {"head": {}, "arrays": [["a", kind, kind, [1]]], "planes": {kind: [1] * 8}}
    text = zlib.compress(json.dumps(listed).encode())
    with pytest.raises(ValueError, match=r"."):
        unpack(len(text).to_bytes(4, "little") + text + bytes(8))
