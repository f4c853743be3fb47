"""Frames: how records lie in a journal's segments so that a killed write and a damaged file are told apart.

A frame is a 24-byte header (magic, CRC-32 of what follows it, payload length, kind, number) and its payload,
little-endian. Frames are numbered without a gap over all segments.

A bad frame with no good frame behind it is the torn end of a killed write. A bad frame with a good one
behind it is damage.
"""

import mmap
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from alphatrade_runtime.market.faults import InputError

MAGIC = b"ATJ\x01"
_HEAD = struct.Struct("<4sI")
_BODY = struct.Struct("<IIQ")
HEADER_BYTES = _HEAD.size + _BODY.size


class Frame(NamedTuple):
    """One record as it lies in a segment; `end` is the offset behind it."""

    kind: int
    number: int
    end: int
    payload: bytes


class Tail(NamedTuple):
    """Where the good frames of a journal end: bytes behind `end` in the last segment are torn."""

    path: Path | None
    end: int
    torn: int
    next_number: int


def encode(kind: int, number: int, payload: bytes) -> bytes:
    """Frame a payload."""
    body = _BODY.pack(len(payload), kind, number)
    return _HEAD.pack(MAGIC, zlib.crc32(payload, zlib.crc32(body))) + body + payload


def segment_path(folder: Path, index: int) -> Path:
    return folder / f"journal-{index:06d}.bin"


def segment_paths(folder: Path) -> list[Path]:
    """List a journal's segments in order. Raises InputError when there is none or one is missing."""
    paths = sorted(folder.glob("journal-*.bin"))
    if not paths:
        raise InputError(f"{folder}: no journal here (no journal-*.bin); give the folder of a live run")
    for index, path in enumerate(paths):
        if path != segment_path(folder, index):
            raise InputError(f"{segment_path(folder, index)}: missing; restore the segment from the run's copy")
    return paths


def find_tail(folder: Path) -> Tail:
    """Read a whole journal and say where its good frames end. Raises InputError when it is damaged."""
    number, tail = 0, Tail(None, 0, 0, 0)
    paths = segment_paths(folder)
    for path in paths:
        if tail.torn:
            raise _damaged(tail.path or path, tail.end)
        end = 0
        for frame in _frames_of(path, number):
            number, end = frame.number + 1, frame.end
        tail = Tail(path, end, path.stat().st_size - end, number)
    return tail


def read_frames(folder: Path, upto: int | None = None) -> Iterator[Frame]:
    """Yield a journal's good frames in order, those numbered below `upto`. Raises InputError when it is damaged."""
    number = 0
    torn: tuple[Path, int] | None = None
    for path in segment_paths(folder):
        if torn is not None:
            raise _damaged(*torn)
        end = 0
        for frame in _frames_of(path, number):
            if upto is not None and frame.number >= upto:
                return
            yield frame
            number, end = frame.number + 1, frame.end
        torn = (path, end) if path.stat().st_size > end else None


def _frames_of(path: Path, number: int) -> Iterator[Frame]:
    """Yield a segment's good frames from `number` on. Raises InputError when a good frame follows a bad one."""
    with path.open("rb") as file:
        if path.stat().st_size == 0:
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            offset = 0
            while (frame := _frame_at(data, offset)) is not None and frame.number == number:
                yield frame
                offset, number = frame.end, number + 1
            if offset < len(data) and _good_frame_after(data, offset):
                raise _damaged(path, offset)


def _frame_at(data: mmap.mmap, offset: int) -> Frame | None:
    if offset + HEADER_BYTES > len(data):
        return None
    magic, checksum = _HEAD.unpack_from(data, offset)
    length, kind, number = _BODY.unpack_from(data, offset + _HEAD.size)
    end = offset + HEADER_BYTES + length
    if magic != MAGIC or end > len(data) or zlib.crc32(data[offset + _HEAD.size : end]) != checksum:
        return None
    return Frame(kind, number, end, data[offset + HEADER_BYTES : end])


def _good_frame_after(data: mmap.mmap, offset: int) -> bool:
    """Look for any good frame from an offset that has none or one with a wrong number."""
    at = data.find(MAGIC, offset)
    while at >= 0:
        if _frame_at(data, at) is not None:
            return True
        at = data.find(MAGIC, at + 1)
    return False


def _damaged(path: Path, offset: int) -> InputError:
    return InputError(
        f"{path}: damaged at byte {offset}: good records follow a bad one; restore the file, do not trade on it"
    )
