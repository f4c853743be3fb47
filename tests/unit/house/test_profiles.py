"""A profile starts only when everything it needs is real."""

import pytest

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.policy.profiles import PROFILES, startable


@pytest.mark.parametrize("name", ["sim", "replay", "paper"])
def test_profiles_without_a_venue_start(name):
    assert startable(name).name == name


@pytest.mark.parametrize("name", ["live", "live_shadow"])
def test_a_live_mode_refuses_to_start(name):
    with pytest.raises(
        InputError, match=f"profile {name}: refused to start, no venue adapter is built; use sim, replay, paper"
    ):
        startable(name)


def test_an_unknown_profile_is_named():
    with pytest.raises(InputError, match="profile prod: no such profile"):
        startable("prod")


def test_names_are_unique():
    assert len({profile.name for profile in PROFILES}) == len(PROFILES)
