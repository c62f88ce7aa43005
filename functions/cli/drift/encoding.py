"""Text files that are not UTF-8: their encoding, and the same file in UTF-8."""

import codecs
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_BLOCK: Final = 1 << 20
_MARKS: Final = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_BINARY: Final = (b"PAR1", b"\x1f\x8b", b"BZh")
"""How parquet and compressed files begin, which are read as they are."""


@contextmanager
def as_utf8(path: Path) -> Iterator[tuple[Path, str]]:
    """The file, or a copy in UTF-8 where it is text of another encoding, with the name of that encoding (empty for UTF-8)."""
    encoding = _encoding(path) if path.is_file() else ""
    if not encoding:
        yield path, ""
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        with (
            path.open(encoding=encoding, errors="replace", newline="") as source,
            copy.open("w", encoding="utf-8", newline="") as target,
        ):
            while block := source.read(_BLOCK):
                target.write(block)
        yield copy, encoding


def _encoding(path: Path) -> str:
    """The encoding of a text that is not UTF-8: UTF-16 by its mark, else that of Windows; empty for UTF-8 and for no text."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        head = file.read(4)
        if head.startswith(_BINARY):
            return ""
        if mark := next((name for mark, name in _MARKS.items() if head.startswith(mark)), ""):
            return mark
        file.seek(0)
        try:
            while block := file.read(_BLOCK):
                if b"\0" in block:
                    return ""
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return ""
