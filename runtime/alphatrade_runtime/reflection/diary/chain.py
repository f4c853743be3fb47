"""The chain: each batch of rows is hashed together with the hash of the batch before it.

batch_hash = SHA-256(prev_hash || per column in schema order: name || type || n || validity bits || values)

where name and type are UTF-8 ended by a zero byte, n is a little-endian u64, the validity bits are
packed least significant first and padded with zeros, and the values are little-endian in row order.
NaN is the one null: its validity bit and its value bytes are zero, so that hosts and compilers that
make other NaN bits still make the same hash. In a list a NaN is an item as any other and has no bit: it is
hashed as the step wrote it, the one quiet NaN of a literal, and stored so. The chain starts at SHA-256 of the
header as RFC 8785 JSON.
"""

import hashlib
import struct
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.policy.canonical import CanonicalError, canonical

CHAIN_SCHEMA = 1
DIARY_STREAMS = ("decisions", "expost", "orders")
FILLS_STREAMS = ("fills",)
PNL_STREAMS = ("equity", "marks")
STREAMS = DIARY_STREAMS + FILLS_STREAMS + PNL_STREAMS
# of runs with an understanding loop
MIND_STREAMS = ("belief_snapshots", "regimes", "probes", "routes", "drift", "explorations")


class Column(NamedTuple):
    """One column of a batch, contiguous; `valid` is None when no value is null."""

    name: str
    values: npt.NDArray[Any]
    valid: npt.NDArray[np.bool_] | None


def type_name(dtype: np.dtype[Any]) -> str:
    """Name a field's type as the chain hashes it: `<i8`, `|u1`, `<u2[19]`."""
    shape = "".join(f"[{n}]" for n in dtype.shape)
    return dtype.base.newbyteorder("<").str + shape


def schema_of(dtype: np.dtype[Any]) -> list[list[str]]:
    """List a row dtype's columns as [name, type]."""
    return [[name, type_name(dtype[name])] for name in _names(dtype)]


def columns_of(rows: npt.NDArray[Any]) -> list[Column]:
    """Copy the fields of structured rows (n,) to contiguous columns with NaN as null."""
    return [_column(name, rows[name]) for name in _names(rows.dtype)]


def header_of(stream: str, dtype: np.dtype[Any], facts: Mapping[str, Any]) -> bytes:
    """Write what a chain starts from as canonical JSON: its stream, its columns, the facts of the run.

    Raises InputError when a fact has no canonical form.
    """
    try:
        # assembled in the canonical order of its keys: the columns are the same for every run
        return (
            b'{"columns":' + _canonical_schema(dtype) + b',"facts":' + canonical(facts)
            + b',"schema":' + canonical(CHAIN_SCHEMA) + b',"stream":' + canonical(stream) + b"}"
        )  # fmt: skip
    except CanonicalError as error:
        raise InputError(f"diary stream {stream}: a fact of the header has no canonical form: {error}") from None


@cache
def _canonical_schema(dtype: np.dtype[Any]) -> bytes:
    return canonical(schema_of(dtype))


def genesis(stream: str, dtype: np.dtype[Any], facts: Mapping[str, Any]) -> bytes:
    """Hash the header: what the chain starts from. Raises InputError as `header_of` does."""
    return hashlib.sha256(header_of(stream, dtype, facts)).digest()


def link(previous: bytes, columns: Sequence[Column], rows: int) -> bytes:
    """Hash one batch of columns, each with `rows` rows, onto the chain's last hash (32 bytes)."""
    return hashlib.sha256(previous + link_bytes(columns, rows)).digest()


def link_bytes(columns: Sequence[Column], rows: int) -> bytes:
    """Lay out what a batch adds to the chain: for each column name, type, count, validity, values."""
    count = struct.pack("<Q", rows)
    all_valid = validity_bits(None, rows)
    parts: list[Any] = []
    for name, values, valid in columns:
        dtype = np.dtype((values.dtype, values.shape[1:]))
        parts.append(name.encode() + b"\0" + type_name(dtype).encode() + b"\0" + count)
        parts.append(all_valid if valid is None else validity_bits(valid, rows))
        parts.append(values.astype(values.dtype.newbyteorder("<"), copy=False).data)
    return b"".join(parts)


def validity_bits(valid: npt.NDArray[np.bool_] | None, rows: int) -> bytes:
    """Pack one bit a row, least significant first, 1 = has a value; None: every row has one."""
    mask = np.ones(rows, np.bool_) if valid is None else valid
    return np.packbits(mask, bitorder="little").tobytes()


def run_digests(heads: Mapping[str, str]) -> dict[str, str]:
    """Make the digests of a run, `sha256:<hex>` by name, from its streams' heads in hex.

    diary = decisions, expost, orders; fills = the head of fills; pnl = equity, marks; mind, where the run has one.
    """
    minded = [stream for stream in MIND_STREAMS if stream in heads]
    mind = {"mind": "sha256:" + _joined(heads, minded)} if minded else {}
    return {
        "diary": "sha256:" + _joined(heads, DIARY_STREAMS),
        "fills": "sha256:" + heads["fills"],
        "pnl": "sha256:" + _joined(heads, PNL_STREAMS),
        **mind,
    }


def _joined(heads: Mapping[str, str], streams: Sequence[str]) -> str:
    return hashlib.sha256(b"".join(bytes.fromhex(heads[stream]) for stream in streams)).hexdigest()


def _names(dtype: np.dtype[Any]) -> tuple[str, ...]:
    if dtype.names is None:
        raise TypeError(f"a record stream needs a structured dtype, not {dtype}")
    return dtype.names


def _column(name: str, field: npt.NDArray[Any]) -> Column:
    if field.dtype.kind != "f" or field.ndim > 1:
        return Column(name, field.copy(), None)
    null = np.isnan(field)
    if not null.any():
        return Column(name, field.copy(), None)
    return Column(name, np.where(null, field.dtype.type(0), field), ~null)
