"""The chain's bytes are fixed: golden values, a twin in plain Python, and what must change the hash."""

import hashlib
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.reflection.diary.attach import time_field
from alphatrade_runtime.reflection.diary.chain import (
    columns_of,
    genesis,
    header_of,
    link,
    run_digests,
    schema_of,
    type_name,
)
from alphatrade_runtime.reflection.diary.record_log import RecordLog
from unit.reflection.diary_rows import DTYPES, FACTS, make_rows

SMALL = np.dtype([("seq", "i8"), ("side", "i1"), ("score", "f8"), ("util", "u2", (3,))])
FIXED = np.array([(1, -1, 0.5, (1, 2, 3)), (2**63 - 1, 1, np.nan, (0, 0, 65_535)), (-5, 0, -0.0, (9, 8, 7))], SMALL)
# A change here is a change of every diary ever written: bump CHAIN_SCHEMA with it.
FIXED_GENESIS = "d549c53c9a78cc82bc183ab3464c12059d5823517e76bee8d05f377997182015"
FIXED_LINK = "d83e18446beb43d7ce8f53cd4715b87289a02b1fe269b8befdc4acf3d0e9e9fc"
# These change with the columns of the streams.
DIGESTS = {
    "diary": "sha256:8b26aba39ede3c0f796179e6f98ff390b37968fdccf52205fb040b002738a7f9",
    "fills": "sha256:9e0bad71e5561930c7c76f5acddf678a082aeae487818ddf37d8b7ccecdf264a",
    "pnl": "sha256:3ba10523b25d3764f54c0927d0383ba16fc297b84d2879615770a2f6aae57f00",
}


def twin(previous: bytes, rows: np.ndarray) -> bytes:
    """Hash rows value by value, as semantics.md writes the formula."""
    digest = hashlib.sha256(previous)
    for name in rows.dtype.names or ():
        kind = rows.dtype[name]
        code = {"i8": "<q", "i1": "<b", "f8": "<d", "u2": "<H", "u8": "<Q", "u1": "<B"}[kind.base.str[1:]]
        digest.update(name.encode() + b"\0" + type_name(kind).encode() + b"\0" + struct.pack("<Q", len(rows)))
        bits, values = bytearray((len(rows) + 7) // 8), b""
        for i, value in enumerate(rows[name].tolist()):
            items = value if isinstance(value, list) else [value]
            null = value != value
            bits[i // 8] |= (not null) << (i % 8)
            values += b"".join(struct.pack(code, 0 if null else item) for item in items)
        digest.update(bytes(bits) + values)
    return digest.digest()


def test_type_names_are_little_endian_and_carry_the_shape():
    assert schema_of(SMALL) == [["seq", "<i8"], ["side", "|i1"], ["score", "<f8"], ["util", "<u2[3]"]]
    assert type_name(np.dtype(">i8")) == "<i8"


@pytest.mark.parametrize("stream", sorted(DTYPES))
def test_link_is_the_formula_value_by_value(stream):
    rows = make_rows(stream, 21)
    assert link(b"\1" * 32, columns_of(rows), 21) == twin(b"\1" * 32, rows)


@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.integers(-128, 127), st.floats()), min_size=1))
def test_link_equals_its_twin_for_any_values(values):
    rows = np.array([(seq, side, score, (1, 2, 3)) for seq, side, score in values], SMALL)
    assert link(bytes(32), columns_of(rows), len(rows)) == twin(bytes(32), rows)


def test_every_nan_is_the_same_null_but_no_zero():
    rows = np.zeros(3, SMALL)
    hashes = set()
    for bits in (0x7FF8000000000000, 0xFFF8000000000000, 0x7FF0000000000123):
        rows["score"].view("u8")[1] = bits
        hashes.add(link(bytes(32), columns_of(rows), 3))
    assert len(hashes) == 1
    rows["score"] = 0
    assert link(bytes(32), columns_of(rows), 3) not in hashes


FIELDS: Any = DTYPES["decisions"].fields or {}
BYTES = [offset + k for dtype, offset, *_ in FIELDS.values() for k in range(dtype.itemsize)]


@given(st.integers(0, 40), st.sampled_from(BYTES), st.integers(1, 255))
def test_any_changed_byte_of_a_field_changes_the_hash(row, byte, flip):
    rows = make_rows("decisions", 41)
    before = link(bytes(32), columns_of(rows), 41)
    raw = rows.view("u1").reshape(41, -1)
    raw[row, byte] ^= flip
    assert link(bytes(32), columns_of(rows), 41) != before


def test_columns_do_not_share_memory_with_the_rows():
    rows = make_rows("decisions", 1)
    column = columns_of(rows)[0]
    rows["seq"] = 99
    assert column.values[0] != 99


def test_the_header_is_canonical_and_order_of_facts_does_not_matter():
    assert genesis("fills", SMALL, {"a": 1, "b": "x"}) == genesis("fills", SMALL, {"b": "x", "a": 1})
    assert genesis("fills", SMALL, {"a": 1}) != genesis("orders", SMALL, {"a": 1})
    assert hashlib.sha256(header_of("fills", SMALL, {})).digest() == genesis("fills", SMALL, {})


def test_a_fact_without_canonical_form_is_refused():
    with pytest.raises(InputError, match=r"diary stream fills: .*nan"):
        genesis("fills", SMALL, {"a": float("nan")})


def test_golden_hashes_of_fixed_rows():
    start = genesis("fills", SMALL, FACTS)
    assert start.hex() == FIXED_GENESIS
    assert link(start, columns_of(FIXED), 3).hex() == FIXED_LINK


def test_golden_digests_of_a_fixed_run():
    heads = {}
    for stream, dtype in DTYPES.items():
        log = RecordLog(None, stream, dtype, FACTS, time_field(stream))
        log.append(make_rows(stream, 5_000, step_ns=10_000_000))
        heads[stream] = log.close().head
    assert run_digests(heads) == DIGESTS


def test_run_digests_join_the_heads_in_their_order():
    heads = {stream: f"{k:02x}" * 32 for k, stream in enumerate(("decisions", "expost", "orders"))}
    heads |= {stream: f"{k:02x}" * 32 for k, stream in enumerate(("fills", "equity", "marks"), 3)}
    digests = run_digests(heads)
    assert digests["fills"] == "sha256:" + "03" * 32
    assert digests["diary"] == "sha256:" + hashlib.sha256(bytes(32) + b"\1" * 32 + b"\2" * 32).hexdigest()
    assert digests["pnl"] == "sha256:" + hashlib.sha256(b"\4" * 32 + b"\5" * 32).hexdigest()
