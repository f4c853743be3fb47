"""Settings come from one file, then the environment; what is wrong is named."""

import pytest
import yaml

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
        ("profile: production\n", "profile"),
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


IMAGE = "r.example/alphatrade@sha256:" + "a" * 64
CEILINGS = {
    "maxNotionalBps": 500,
    "maxNetExposureBps": 5_000,
    "maxLeverageBps": 10_000,
    "dayDrawdownBps": 500,
    "maxDrawdownBps": 1_500,
}
LIVE = {
    "profile": "live",
    "runtime_image": IMAGE,
    "artifact_store": {"claim_name": "artifacts"},
    "limit_ceilings": {"Live": CEILINGS},
}


def test_the_live_profile_takes_what_is_safe(tmp_path):
    found = load(tmp_path, yaml.safe_dump(LIVE))
    assert (found.profile, found.limit_ceilings["Live"].max_leverage_bps) == ("live", 10_000)


UNSAFE_IN_LIVE = [
    ({"runtime_image": "r.example/alphatrade:7"}, "runtime_image: a tag says nothing", "write repository@sha256:..."),
    ({"image_pull_policy": "Never"}, "image_pull_policy: Never, not in profile live", "set it to IfNotPresent"),
    ({"experiment_may_paper": True}, "experiment_may_paper: true, not in profile live", "set it to false"),
    ({"artifact_store": {}}, "artifact_store.claim_name: missing", "name a claim"),
    (
        {"artifact_store": {"host_path": "/srv", "single_node": True}},
        "artifact_store.host_path: given, not in profile live",
        "use claim_name",
    ),
    (
        {"feature_flag_ceilings": {"exploration": True}},
        "feature_flag_ceilings.exploration: true, never in profile live",
        "set it to false",
    ),
    (
        {"feature_flag_ceilings": {"auto_governed_feedback": True}},
        "feature_flag_ceilings.auto_governed_feedback: true, never in profile live",
        "set it to false",
    ),
    ({"limit_ceilings": {}}, "limit_ceilings.Live.maxLeverageBps: missing", "set the highest value allowed"),
    (
        {"limit_ceilings": {"Live": {k: v for k, v in CEILINGS.items() if k != "maxDrawdownBps"}}},
        "limit_ceilings.Live.maxDrawdownBps: missing",
        "set the highest value allowed",
    ),
]


@pytest.mark.parametrize(("change", "named", "fix"), UNSAFE_IN_LIVE, ids=[named for _, named, _ in UNSAFE_IN_LIVE])
def test_what_is_unsafe_in_live_is_named_with_its_fix(tmp_path, change, named, fix):
    with pytest.raises(SettingsError) as refused:
        load(tmp_path, yaml.safe_dump(LIVE | change))
    assert named in str(refused.value)
    assert fix in str(refused.value)
    paper = {"profile": "paper"} | change
    if change.get("experiment_may_paper") or "host_path" in change.get("artifact_store", {}):
        with pytest.raises(SettingsError, match="not in profile paper"):
            load(tmp_path, yaml.safe_dump(paper))
    else:
        assert load(tmp_path, yaml.safe_dump(paper)).profile == "paper"


def test_the_dev_profile_keeps_its_shortcuts(tmp_path):
    shortcuts = {
        "experiment_may_paper": True,
        "image_pull_policy": "Never",
        "artifact_store": {"host_path": "/srv", "single_node": True},
    }
    assert load(tmp_path, yaml.safe_dump(shortcuts)).experiment_may_paper


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"artifact_store": {"host_path": "/srv"}}, "artifact_store.single_node: false"),
        (
            {"artifact_store": {"host_path": "/srv", "claim_name": "a", "single_node": True}},
            "artifact_store.host_path: given besides claim_name",
        ),
        ({"scope": "Namespaces"}, "namespaces: empty, and scope is Namespaces"),
        ({"scope": "Namespace"}, "scope: Input should be"),
        ({"limit_ceilings": {"Lve": {}}}, "limit_ceilings.Lve"),
        ({"limit_ceilings": {"Live": {"maxLeverage": 1}}}, "limit_ceilings.Live.maxLeverage: Extra inputs"),
        ({"limit_ceilings": {"Live": {"streamStale": "2"}}}, "limit_ceilings.Live.streamStale: .*Kubernetes duration"),
    ],
)
def test_what_no_profile_takes_is_named(tmp_path, values, named):
    with pytest.raises(SettingsError, match=named):
        load(tmp_path, yaml.safe_dump(values))
