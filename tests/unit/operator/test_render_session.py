"""The session document: exact numbers, and what keeps a session from starting."""

import copy

import pytest
import yaml

from alphatrade_operator.render import render_session
from alphatrade_operator.resources import ResourceError, load_folder


def rendered(folder):
    return render_session(load_folder(folder.write()))


def refused(folder, name=None):
    resources = load_folder(folder.write())
    with pytest.raises(ResourceError) as caught:
        render_session(resources, name)
    return caught.value.problems


def test_the_genotype_has_the_runtime_s_names_and_units(folder):
    policy = rendered(folder)["policy"]
    assert policy["genotype"] == {
        "policies": [
            {
                "name": "trend",
                "signal": {"ref": "ema_cross", "api": 1, "digest": None, "params": {"fast": 20, "slow": 50.5}},
                "execution_topology": {"type": "pegged", "params": {"timeout_ns": 5_000_000_000, "offset_ticks": 1}},
                "instruments": ["AAA"],
                "weight_bps": 9_000,
            },
            {
                "name": "revert",
                "signal": {"ref": "mean_reversion", "api": 1, "digest": None, "params": {}},
                "execution_topology": {"type": "twap", "params": {"duration_ns": 60_000_000_000, "slices": 4}},
                "instruments": ["BBB"],
                "weight_bps": 10_000,
            },
        ],
        "decision_clock": {"type": "quote_change", "interval_ns": 100_000_000},
    }
    del policy["genotype"], policy["envelope"]
    assert policy == {
        "policySchema": 1,
        "strategy_id": "alpha",
        "mode": "Sim",
        "stage": "Experiment",
        "risk_template": "law",
        "plugins": [],
        "initial_cash": "1000000.5",
        "currency": "USDT",
    }


def test_the_default_limits_are_those_of_the_law(folder):
    assert rendered(folder)["policy"]["envelope"]["limits"] == {
        "stream_stale_ns": 2_000_000_000,
        "max_notional_bps": 500,
        "band_limit_bps": 50,
        "band_marketable_bps": 20,
        "max_net_exposure_bps": 5_000,
        "max_leverage_bps": 10_000,
        "day_drawdown_bps": 500,
        "max_drawdown_bps": 1_500,
        "max_orders_per_s": 50,
        "max_orders_per_min": 1_200,
        "max_open_orders": 64,
        "max_turnover_min_bps": 20_000,
        "max_turnover_hour_bps": 100_000,
        "risk_per_trade_bps": 200,
        "stop_bps": 100,
        "max_flatten_slippage_bps": 50,
        "flatten_blind": False,
        "near_miss_bps": 8_000,
        "mark_jump_bps": 500,
        "kill_max_staleness_ns": 10_000_000_000,
        "symbols": ["BBB", "AAA"],
    }


def test_instruments_keep_the_feed_s_order_and_the_tighter_quote_age(folder):
    envelope = rendered(folder)["policy"]["envelope"]
    assert envelope["instruments"] == [
        {
            "symbol": "BBB",
            "tick_size": "0.1",
            "lot_size": "0.01",
            "multiplier": "1",
            "maker_fee_e7": -1_000,
            "taker_fee_e7": 5_000,
            "fee_per_fill": "0.35",
            "initial_margin_bps": 1_000,
            "max_quote_age_ns": 1_000_000_000,
            "max_position_lots": 50,
            "max_order_lots": 5,
            "min_order_lots": 1,
        },
        {
            "symbol": "AAA",
            "tick_size": "0.01",
            "lot_size": "1",
            "multiplier": "10",
            "maker_fee_e7": 0,
            "taker_fee_e7": 1,
            "fee_per_fill": "0",
            "initial_margin_bps": 1_000,
            "max_quote_age_ns": 5_000_000_000,
            "max_position_lots": 100,
            "max_order_lots": 10,
            "min_order_lots": 1,
        },
    ]
    assert (envelope["calendar"], envelope["seed"]) == ("24/7", 1)
    assert not any(envelope["flags"].values())


def test_the_rest_of_the_session(folder):
    session = rendered(folder)
    del session["policy"]
    assert session == {
        "exchange": {
            "queue_model": "probabilistic",
            "partial_fills": True,
            "entry_latency_ns": 10_000_000,
            "response_latency_ns": 10_000_000,
            "cancel_on_disconnect": True,
        },
        "feed": {
            "type": "simulator",
            "config": {"regimes": ["calm", "wild"], "seed": 7, "duration_ns": 3_600_000_000_000},
            "speed": "200x",
            "record": False,
        },
        "funding_model": "none",
        "durability": "group",
    }


def test_paths_start_at_the_folder_of_the_yaml(folder):
    folder.drop("MarketDataFeed/spec/simulator").put("MarketDataFeed/spec/tape", {"path": "tapes/x"})
    folder.put("Strategy/spec/plugins", [{"file": "mine.py"}])
    session = rendered(folder)
    path = str(folder.path / "tapes/x")
    assert session["feed"] == {"type": "tape", "path": path, "speed": "Max", "record": False}
    assert session["policy"]["plugins"] == [{"path": str(folder.path / "mine.py"), "digest": None}]


def test_drawdown_off_is_none_and_a_tighter_feed_silence_holds(folder):
    folder.put("RiskTemplate/spec/drawdown", {"enabled": False}).put(
        "MarketDataFeed/spec/quality", {"maxSilence": "1s"}
    )
    limits = rendered(folder)["policy"]["envelope"]["limits"]
    assert (limits["day_drawdown_bps"], limits["max_drawdown_bps"]) == (None, None)
    assert limits["stream_stale_ns"] == 1_000_000_000


def test_one_drawdown_limit_alone_keeps_the_default_of_the_other(folder):
    limits = rendered(folder.put("RiskTemplate/spec/drawdown", {"dayBps": 300}))["policy"]["envelope"]["limits"]
    assert (limits["day_drawdown_bps"], limits["max_drawdown_bps"]) == (300, 1_500)


def test_star_stands_for_instruments_without_an_entry(folder):
    folder.put("RiskTemplate/spec/instruments/1/symbol", "*")
    envelope = rendered(folder)["policy"]["envelope"]
    assert [terms["max_position_lots"] for terms in envelope["instruments"]] == [50, 100]
    assert envelope["limits"]["symbols"] == ["BBB", "AAA"]


def test_an_instrument_not_allowed_is_not_on_the_allow_list(folder):
    limits = rendered(folder.put("RiskTemplate/spec/instruments/0/allowed", False))["policy"]["envelope"]["limits"]
    assert limits["symbols"] == ["BBB"]


def test_no_instruments_means_all_of_the_feed(folder):
    folder.put("Strategy/spec/instruments", [])
    assert [t["symbol"] for t in rendered(folder)["policy"]["envelope"]["instruments"]] == ["BBB", "AAA"]


CHECKED = [
    ("Strategy/spec/mode", "Live", "spec.mode: 'Live' refused: there is no adapter to a venue"),
    ("Strategy/spec/mode", "LiveShadow", "spec.mode: 'LiveShadow' refused"),
    ("Strategy/spec/suspend", True, "spec.suspend: true: the Strategy is not to run"),
    ("Strategy/spec/featureFlags", {"exploration": True}, "spec.featureFlags.exploration: it spends a budget"),
    ("Strategy/spec/featureFlags", {"autoGovernedFeedback": True}, "spec.featureFlags.autoGovernedFeedback: FlagNot"),
    (
        "Strategy/spec/plugins",
        [{"configMapRef": {"name": "a", "key": "b"}, "digest": "sha256:" + "0" * 64}],
        "spec.plugins[0].configMapRef: needs a cluster; in one process use file",
    ),
    (
        "Strategy/spec/plugins",
        [{"image": "r/x@sha256:" + "0" * 64, "digest": "sha256:" + "0" * 64}],
        "spec.plugins[0].image: needs a cluster",
    ),
    ("MarketDataFeed/spec/instruments/1/symbol", "AAB", "'AAA' is not in MarketDataFeed/feed; did you mean AAB?"),
    (
        "RiskTemplate/spec/instruments/1/symbol",
        "ZZZ",
        "RiskTemplate/law has no entry for BBB; add one with maxPosition",
    ),
    ("Strategy/spec/genotype/policies/1/instruments", ["AAA"], "no policy trades BBB"),
]


@pytest.mark.parametrize(("where", "value", "message"), CHECKED, ids=[message[:50] for *_, message in CHECKED])
def test_what_keeps_a_session_from_starting_is_named(folder, where, value, message):
    problems = refused(folder.put(where, value))
    assert any(message in problem for problem in problems), problems
    assert all(problem.startswith(f"{folder.path}/Strategy.yaml:") for problem in problems)


def test_every_reason_is_listed(folder):
    assert len(refused(folder.put("Strategy/spec/mode", "Live").put("Strategy/spec/suspend", True))) == 2


def test_an_account_with_another_law_is_refused(folder):
    folder.put("BrokerConnection/spec/riskTemplateRef", {"name": "other"})
    folder.resources["Other"] = copy.deepcopy(folder.resources["RiskTemplate"])
    folder.put("Other/metadata/name", "other")
    assert "'law' is not the account's 'other'" in refused(folder)[0]


def test_a_plugin_without_digest_is_for_simulation_only(folder):
    folder.put("Strategy/spec/plugins", [{"file": "a.py"}]).put("Strategy/spec/mode", "Paper")
    with pytest.raises(ResourceError, match=r"plugins\[0\].digest: missing; mode Paper needs"):
        load_folder(folder.write())


def test_of_several_strategies_one_is_named(folder):
    folder.resources["Beta"] = copy.deepcopy(folder.resources["Strategy"])
    folder.put("Beta/metadata/name", "beta")
    assert "2 Strategies (alpha, beta); name one" in refused(folder)[0]
    assert "no Strategy 'bete'; did you mean beta?" in refused(folder, "bete")[0]
    assert render_session(load_folder(folder.path), "beta")["policy"]["strategy_id"] == "beta"


def test_no_strategy_is_refused(folder):
    assert "no Strategy was found" in refused(folder.drop("Strategy"))[0]


def test_the_order_of_fields_and_files_changes_nothing(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")

    def turned(value):
        if isinstance(value, dict):
            return {key: turned(value[key]) for key in reversed(value)}
        return [turned(item) for item in value] if isinstance(value, list) else value

    text = "\n---\n".join(yaml.safe_dump(turned(r), sort_keys=False) for r in reversed(folder.resources.values()))
    (other / "all.yaml").write_text(text)
    assert render_session(load_folder(other)) == rendered(folder)
