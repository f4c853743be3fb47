"""Flags are off unless asked for, and one that is not built is refused."""

import pytest

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.policy.flags import FLAGS, resolve_flags

ALL_OFF = {"fast_weights": False, "linear_attention": False, "exploration": False, "auto_governed_feedback": False}


def test_everything_is_off_by_default():
    assert resolve_flags({}) == ALL_OFF
    assert resolve_flags({"exploration": False}) == ALL_OFF


@pytest.mark.parametrize("flag", [flag.name for flag in FLAGS if not flag.built])
def test_a_flag_that_is_not_built_is_refused(flag):
    with pytest.raises(InputError, match=f"spec.featureFlags.{flag}: not built yet"):
        resolve_flags({flag: True}, where="spec.featureFlags")


@pytest.mark.parametrize(
    ("asked", "message"),
    [({"fast_wieghts": True}, "flags.fast_wieghts: no such flag"), ({"exploration": "yes"}, "neither true nor false")],
)
def test_a_wrong_flag_is_named(asked, message):
    with pytest.raises(InputError, match=message):
        resolve_flags(asked)
