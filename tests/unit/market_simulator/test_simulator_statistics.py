"""What makes a simulated market worth trading on: each property against a control that lacks it."""

import numpy as np
import pytest

from alphatrade_runtime.market.schema import Kind
from alphatrade_runtime.market.simulator.config import REGIMES
from unit.market_simulator.readings import autocorrelation, calm, mids_and_imbalance, only, returns, rows_of

LONG = {"duration": "6h"}
PAIR = [{"symbol": "SIM-A"}, {"symbol": "SIM-B"}]


def forward_correlation(rows, horizon=10):
    """Correlation of the imbalance, and of the last move, with the move over the next `horizon` seconds."""
    mid, imbalance = mids_and_imbalance(rows)
    log_mid = np.log(mid)
    move = log_mid[horizon:] - log_mid[:-horizon]
    by_imbalance = np.corrcoef(imbalance[:-horizon], move)[0, 1]
    return by_imbalance, np.corrcoef(move[:-horizon], move[horizon:])[0, 1]


def only_regime(name, **changes):
    regimes = {other: {"weight": 0} for other in REGIMES if other != name}
    return {"seed": 5, "duration": "2h", "regimes": {**regimes, name: {"weight": 1}}, **changes}


def test_volatility_is_as_asked():
    steps = returns(rows_of(calm(duration="4h")), step_s=10)
    assert steps.std() * np.sqrt(365 * 8640) == pytest.approx(0.6, rel=0.08)


def test_volatility_clusters_and_the_control_does_not():
    clustered = np.abs(returns(rows_of(LONG), step_s=5))
    control = np.abs(returns(rows_of(calm(**LONG)), step_s=5))
    for lag in (1, 5, 20):
        assert autocorrelation(clustered, lag) > 0.06
        assert abs(autocorrelation(control, lag)) < 0.05


@pytest.mark.parametrize("factor", ["fast", "slow"])
def test_each_volatility_factor_clusters_alone(factor):
    config = calm(**LONG, volatility={"fast_sd": 0, "slow_sd": 0, f"{factor}_sd": 0.8})
    assert autocorrelation(np.abs(returns(rows_of(config), step_s=5)), 1) > 0.1


def test_returns_of_a_market_without_an_edge_do_not_predict_themselves():
    steps = returns(rows_of(calm(**LONG)), step_s=5)
    assert abs(autocorrelation(steps, 1)) < 0.05
    assert abs(autocorrelation(steps, 2)) < 0.05


def test_returns_have_fat_tails():
    steps = returns(rows_of(LONG), step_s=5)
    assert ((steps - steps.mean()) ** 4).mean() / steps.var() ** 2 > 4


@pytest.mark.parametrize("share", [0.0, 0.8])
def test_instruments_move_together_as_asked(share):
    rows = rows_of(calm(duration="2h", instruments=PAIR, correlation=share))
    a, b = returns(rows, 0, 10), returns(rows, 1, 10)
    n = min(len(a), len(b))
    assert np.corrcoef(a[:n], b[:n])[0, 1] == pytest.approx(share, abs=0.1)


def test_each_regime_shows():
    market = {name: rows_of(only_regime(name)) for name in REGIMES}
    spread = {name: (only(r, Kind.QUOTE).ask - only(r, Kind.QUOTE).bid).mean() for name, r in market.items()}
    noise = {name: returns(rows, step_s=10).std() for name, rows in market.items()}
    depth = {name: np.median(only(rows, Kind.QUOTE).bid_size) for name, rows in market.items()}
    moved = {name: np.log(mids_and_imbalance(rows)[0][-1] / 10_000) for name, rows in market.items()}
    assert noise["storm"] > 3.5 * noise["calm"]
    assert spread["storm"] > 2.5 * spread["calm"]
    assert depth["storm"] < 0.4 * depth["calm"]
    assert len(market["storm"].seq) > 2 * len(market["calm"].seq)
    assert moved["trend_up"] > 0.015
    assert moved["trend_down"] < -0.015
    assert abs(moved["mean_reverting"]) < 0.01


def test_a_reverting_regime_stays_near_its_level():
    free = mids_and_imbalance(rows_of(only_regime("calm", duration="4h")))[0]
    held = mids_and_imbalance(rows_of(only_regime("mean_reverting", duration="4h")))[0]
    assert held.std() < 0.5 * free.std()


@pytest.mark.parametrize("seed", [1, 2])
def test_imbalance_predicts_when_planted_and_only_then(seed):
    def market(strength):
        edge = {"type": "imbalance", "strength": strength}
        return rows_of(calm(duration="6h", seed=seed, edge=edge))

    assert forward_correlation(market(0.3))[0] > 0.08
    assert abs(forward_correlation(market(0.0))[0]) < 0.04


def test_momentum_and_mean_reversion_predict_when_planted_and_only_then():
    def past_to_next(kind, strength):
        return forward_correlation(rows_of(calm(**LONG, edge={"type": kind, "strength": strength})))[1]

    assert past_to_next("momentum", 0.3) > 0.1
    assert past_to_next("mean_reversion", 0.3) < -0.06
    assert abs(past_to_next("momentum", 0.0)) < 0.06


def test_trade_signs_persist_and_the_control_does_not():
    signs = only(rows_of(calm(**LONG)), Kind.TRADE).side.astype(float)
    plain = {"persistence": 0.0, "momentum": 0.0, "mean_reversion": 0.0}
    control = only(rows_of(calm(**LONG, flow=plain)), Kind.TRADE).side.astype(float)
    assert autocorrelation(signs, 1) > 0.08
    assert abs(autocorrelation(control, 1)) < 0.03


def test_flow_follows_the_price():
    def lean(**flow):
        rows = rows_of(calm(**LONG, flow={"persistence": 0.0, **flow}))
        mid, _ = mids_and_imbalance(rows)
        trades = only(rows, Kind.TRADE)
        now = (trades.ts_event_ns - rows.ts_event_ns[0]) // 10**9
        late = now > 10
        past = mid[now[late]] - mid[now[late] - 5]
        return np.corrcoef(trades.side[late], past)[0, 1]

    assert lean(momentum=0.8, mean_reversion=0.0) > 0.15
    assert lean(momentum=0.0, mean_reversion=0.8) < -0.05
    assert abs(lean(momentum=0.0, mean_reversion=0.0)) < 0.03


def test_quotes_arrive_in_clusters_at_the_rate_asked_for():
    def counts(clustering):
        rows = rows_of(calm(duration="1h", flow={"clustering": clustering}))
        times = (only(rows, Kind.QUOTE).ts_event_ns - rows.ts_event_ns[0]) // 10**9
        return np.bincount(times)

    clustered, control = counts(0.7), counts(0.0)
    assert clustered.mean() == pytest.approx(10, rel=0.1)
    assert control.mean() == pytest.approx(10, rel=0.1)
    assert clustered.var() / clustered.mean() > 2
    assert control.var() / control.mean() < 1.2
