import gzip

import pytest

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.importers import lines
from alphatrade_runtime.market.importers.lines import head_of, read_lines


def read(path):
    return [line for batch in read_lines(path) for line in batch]


TEXT = [f"{i} {'x' * (i % 97)}" for i in range(50_000)]


@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize("pack", [lambda data: data, gzip.compress])
def test_lines_come_back(tmp_path, pack, end):
    path = tmp_path / "data"
    path.write_bytes(pack(("\n".join(TEXT) + end).encode()))
    assert read(path) == TEXT


def test_gzip_members_follow_one_another(tmp_path):
    path = tmp_path / "data.gz"
    path.write_bytes(b"".join(gzip.compress(f"{i}\n".encode() * 3) for i in range(1000)))
    assert read(path) == [str(i) for i in range(1000) for _ in range(3)]


def test_a_bomb_is_read_piece_by_piece(tmp_path):
    path = tmp_path / "data.gz"
    path.write_bytes(gzip.compress(b"a\n" * 10_000_000))
    sizes = [len(batch) for batch in read_lines(path)]
    assert sum(sizes) == 10_000_000
    assert max(sizes) <= 2 * 2**20 + 1


@pytest.mark.parametrize("cut", [1, 8, 1000, 30_000])
def test_a_cut_gzip_names_the_last_good_line(tmp_path, cut):
    path = tmp_path / "data.gz"
    path.write_bytes(gzip.compress("\n".join(TEXT).encode())[:-cut])
    good: list[str] = []

    def collect():
        for batch in read_lines(path):
            good.extend(batch)

    with pytest.raises(InputError, match=r"data.gz: line \d+: the gzip file is damaged after this line") as caught:
        collect()
    assert good == TEXT[: len(good)]
    assert f"line {len(good)}:" in str(caught.value)


def test_a_flipped_bit_is_noticed(tmp_path):
    data = bytearray(gzip.compress("\n".join(TEXT).encode()))
    data[len(data) // 2] ^= 16
    (tmp_path / "data.gz").write_bytes(data)
    with pytest.raises(InputError, match="damaged"):
        read(tmp_path / "data.gz")


def test_a_line_of_more_than_16_mib_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 1000)
    path = tmp_path / "data"
    path.write_text("short\n" * 5 + "x" * 1001 + "\nshort\n")
    with pytest.raises(InputError, match="line 6: over 16 MiB"):
        read(path)
    path.write_text("short\n" * 5 + "x" * 1001)
    with pytest.raises(InputError, match="line 6: over 16 MiB"):
        read(path)


def test_bytes_that_are_no_utf8_stay_one_line(tmp_path):
    (tmp_path / "data").write_bytes(b"a\xff\xfeb\nc")
    assert read(tmp_path / "data") == ["a\ufffd\ufffdb", "c"]


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        head_of(tmp_path / "nothing")
    with pytest.raises(InputError, match="no such file"):
        head_of(tmp_path)
