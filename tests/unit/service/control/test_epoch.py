"""The epoch only rises, survives restarts, and an unknown one lets nobody through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.service.control.epoch import EpochFile, EpochRefused


def test_a_lower_epoch_is_refused_also_after_a_restart(tmp_path):
    epochs = EpochFile(tmp_path / "data")
    for epoch in (3, 3, 5):
        epochs.admit(epoch)
    for after in (epochs, EpochFile(tmp_path / "data")):
        assert after.highest == 5
        with pytest.raises(EpochRefused, match="epoch 4: an operator with epoch 5 was here"):
            after.admit(4)


@given(st.lists(st.integers(-2, 6), max_size=12))
def test_what_is_obeyed_never_falls(tmp_path_factory, epochs):
    folder = tmp_path_factory.mktemp("epoch")
    obeyed: list[int] = []
    for epoch in epochs:
        try:
            EpochFile(folder).admit(epoch)
        except EpochRefused:
            assert epoch <= 0 or epoch < max(obeyed)
        else:
            obeyed.append(epoch)
    assert obeyed == sorted(obeyed)


@pytest.mark.parametrize("content", ["", "[]", '{"epoch": "9"}', '{"epoch": -1}', '{"epoch": true}', "{}", "\x00"])
def test_a_damaged_file_lets_nobody_through(tmp_path, content):
    (tmp_path / "epoch.json").write_text(content)
    with pytest.raises(EpochRefused, match=r"epoch\.json: cannot be read"):
        EpochFile(tmp_path).admit(9)


def test_an_epoch_that_cannot_be_kept_is_not_obeyed(tmp_path):
    epochs = EpochFile(tmp_path)
    (tmp_path / "epoch.json.partial").mkdir()
    with pytest.raises(InputError, match=r"epoch\.json"):
        epochs.admit(2)
    assert epochs.highest == 0
