"""Named arrays and a head of JSON as bytes that are read at once, without pickle.

All numbers of one kind are one buffer, and its bytes are shuffled: first the first bytes of all numbers, then the second ones. So bytes that are
alike stand together and compress well, and those that do not compress, the last ones of most floats, are stored as they are: they are read in a
tenth of the time. Whole numbers are stored in as few bytes as hold them.
"""

import json
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
_SIZE = 4  # bytes of the length of the head
_NARROW = ("<u1", "<u2", "<u4")
_WORTH = 0.5  # of its size, at which a plane is not worth being compressed


def pack(head: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The bytes of a head and of arrays.

    Args:
        head: JSON.
        arrays: of numbers or booleans, by name.
    """
    kinds: dict[str, list[NDArray[Any]]] = defaultdict(list)
    listed = []
    for name, values in arrays.items():
        narrow = _narrow(values)
        kinds[narrow.dtype.str].append(narrow.ravel())
        listed.append((name, narrow.dtype.str, values.dtype.str, values.shape))
    planes = {kind: [_squeezed(one) for one in _planes(np.concatenate(found))] for kind, found in kinds.items()}
    sizes = {kind: [len(one) for one in found] for kind, found in planes.items()}
    text = zlib.compress(json.dumps({"head": head, "arrays": listed, "planes": sizes}).encode())
    buffers = (one for found in planes.values() for one in found)
    return b"".join((len(text).to_bytes(_SIZE, "little"), text, *buffers))


def unpack(data: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The head and the arrays that the bytes hold.

    Raises:
        ValueError: the bytes hold none.
    """
    try:
        start = _SIZE + int.from_bytes(data[:_SIZE], "little")
        found = json.loads(zlib.decompress(data[_SIZE:start]))
        counts: dict[str, int] = defaultdict(int)
        for _, kind, _, shape in found["arrays"]:
            counts[kind] += prod(shape)
        buffers = dict(_buffers(data, start, found["planes"], counts))
        return found["head"], dict(_arrays(buffers, found["arrays"]))
    except (zlib.error, KeyError, TypeError) as error:
        raise ValueError(str(error)) from error


def _buffers(
    data: bytes, start: int, planes: Mapping[str, Sequence[int]], counts: Mapping[str, int]
) -> Iterator[tuple[str, NDArray[Any]]]:
    """All numbers of each kind."""
    for kind, sizes in planes.items():
        numbers = np.empty(counts[kind], dtype=kind)
        shuffled = numbers.view(np.uint8).reshape(counts[kind], len(sizes))
        for k, size in enumerate(sizes):
            plane = memoryview(data)[start : start + size]
            shuffled[:, k] = np.frombuffer(plane if size == numbers.size else zlib.decompress(plane), np.uint8)
            start += size
        yield kind, numbers


def _arrays(
    buffers: Mapping[str, NDArray[Any]], listed: Sequence[tuple[str, str, str, list[int]]]
) -> Iterator[tuple[str, NDArray[Any]]]:
    """Each array, a view of its buffer unless it was narrowed."""
    starts: dict[str, int] = defaultdict(int)
    for name, kind, dtype, shape in listed:
        start = starts[kind]
        starts[kind] = end = start + prod(shape)
        yield name, buffers[kind][start:end].reshape(shape).astype(dtype, copy=False)


def _narrow(values: NDArray[Any]) -> NDArray[Any]:
    """The same numbers in as few bytes as hold them."""
    if values.dtype.kind != "i" or values.min(initial=0) < 0:
        return values
    most = values.max(initial=0)
    return values.astype(next((kind for kind in _NARROW if most <= np.iinfo(kind).max), values.dtype))


def _planes(values: NDArray[Any]) -> Bytes:
    """The first bytes of all numbers, then the second ones; shape (bytes, numbers)."""
    return np.frombuffer(values.tobytes(), np.uint8).reshape(values.size, values.itemsize).T


def _squeezed(plane: Bytes) -> bytes:
    """Compressed where that is worth it; else as long as it was."""
    plain = plane.tobytes()
    small = zlib.compress(plain)
    return small if len(small) < _WORTH * len(plain) else plain
