"""Settings come from one file, then the environment; what is wrong is named."""

import pytest

from alphatrade_operator.settings import Settings, SettingsError, load_settings


def load(tmp_path, text, **environment):
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    return load_settings(path, environment)


def test_without_a_file_the_defaults_hold(tmp_path):
    assert load_settings(tmp_path / "absent.yaml", {}) == Settings()


def test_an_empty_file_is_no_setting(tmp_path):
    assert load(tmp_path, "") == Settings()


def test_a_file_is_read(tmp_path):
    found = load(tmp_path, "profile: paper\nnamespaces: [a, b]\nartifact_store: {claim_name: tapes}\n")
    assert (found.profile, found.namespaces, found.artifact_store.claim_name) == ("paper", ("a", "b"), "tapes")


def test_the_environment_wins(tmp_path):
    found = load(tmp_path, "repair_s: 10\n", ALPHATRADE_REPAIR_S="20", ALPHATRADE_NAMESPACES="[x]")
    assert (found.repair_s, found.namespaces) == (20.0, ("x",))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("profile: live\n", "profile"),
        ("workers: 0\n", "workers"),
        ("repear_s: 5\n", "repear_s"),
        ("feature_flag_ceilings: {explore: true}\n", "feature_flag_ceilings.explore"),
        ("certificate_lifetime_s: 1\n", "certificate_lifetime_s"),
        ("- a\n", "not a map"),
        ("a: [\n", "correct the file"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, named):
    with pytest.raises(SettingsError, match=named):
        load(tmp_path, text)


def test_settings_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Settings().workers = 3  # type: ignore[misc]
