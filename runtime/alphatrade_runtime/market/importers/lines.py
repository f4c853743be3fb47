"""Read a text file, gzip or plain, as batches of lines, in constant memory."""

import zlib
from collections.abc import Iterator
from pathlib import Path

from alphatrade_runtime.market.faults import InputError, disk_errors

MAX_LINE_BYTES = 16 * 2**20
_CHUNK = 2**20
_GZIP_MAGIC = b"\x1f\x8b"


def read_lines(path: Path) -> Iterator[list[str]]:
    """Yield lines without their ends, some at a time; bytes that are no UTF-8 become U+FFFD.

    Raises InputError for a damaged gzip file (naming the last good line) or a line over 16 MiB.
    """
    rest, count = b"", 0
    chunks = _chunks(path)
    while True:
        try:
            chunk = next(chunks, None)
        except (EOFError, zlib.error) as error:
            raise InputError(
                f"{path}: line {count}: the gzip file is damaged after this line ({error}); fetch the file again"
            ) from None
        if chunk is None:
            break
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > MAX_LINE_BYTES or any(len(line) > MAX_LINE_BYTES for line in lines):
            raise InputError(f"{path}: line {_long_line(count, lines)}: over 16 MiB, no message of a venue; remove it")
        count += len(lines)
        if lines:
            yield [line.decode("utf-8", "replace") for line in lines]
    if rest:
        yield [rest.decode("utf-8", "replace")]


def _long_line(count: int, lines: list[bytes]) -> int:
    lengths = [len(line) > MAX_LINE_BYTES for line in lines]
    return count + (lengths.index(True) if True in lengths else len(lines)) + 1


def _chunks(path: Path) -> Iterator[bytes]:
    with disk_errors(path), path.open("rb") as file:
        head = file.read(_CHUNK)
        if head[:2] == _GZIP_MAGIC:
            yield from _inflate(head, iter(lambda: file.read(_CHUNK), b""))
            return
        while head:
            yield head
            head = file.read(_CHUNK)


def _inflate(head: bytes, more: Iterator[bytes]) -> Iterator[bytes]:
    """Decompress gzip members one after another. Raises EOFError when the last is cut, zlib.error when damaged."""
    member = zlib.decompressobj(wbits=31)
    data = head
    while True:
        yield member.decompress(data, 4 * _CHUNK)
        data = member.unconsumed_tail or member.unused_data
        if member.eof and not data:
            data = next(more, b"")
            if not data:
                return
        if member.eof:
            member = zlib.decompressobj(wbits=31)
        elif not data:
            data = next(more, b"")
            if not data:
                raise EOFError("it ends early")


def head_of(path: Path, limit: int = 65_536) -> bytes:
    """Return the first bytes of a file, decompressed; empty when it is empty or damaged from the start."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the path")
    try:
        return next(_chunks(path), b"")[:limit]
    except (EOFError, zlib.error):
        return b""
