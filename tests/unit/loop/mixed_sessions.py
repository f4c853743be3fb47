"""Sessions in which every built-in signal and user strategies trade at once, each its own instrument and topology."""

from unit.risk.law_session import policy, quotes, session, targets

LATENCY = {"entry_latency_ns": 7_000_000, "response_latency_ns": 5_000_000}


def mixed(**options):
    """Seven instruments; returns a session document."""
    genes: tuple[tuple[str, dict[str, float], str, dict[str, int]], ...] = (
        ("ema_cross", {"fast": 3, "slow": 8}, "market", {}),
        (
            "mean_reversion",
            {"window": 8, "enter": 0.8, "exit": 0.2},
            "twap",
            {"duration_ns": 2_000_000_000, "slices": 3},
        ),
        (
            "order_flow_imbalance",
            {"scale_window": 10, "enter": 0.5, "exit": 0.1},
            "pegged",
            {"timeout_ns": 3_000_000_000},
        ),
        ("breakout", {"window": 8, "exit_window": 4}, "passive_quote", {"timeout_ns": 2_000_000_000}),
        ("two_sided_quote", {"lots": 4}, "passive_quote", {}),
    )
    policies = [
        policy(signal, params, topology, settings, [f"SIM-{k}"], name=f"p{k}")
        for k, (signal, params, topology, settings) in enumerate(genes)
    ]
    policies.append(
        quotes((1, 9_998, 3, 10_003, 3), (20, 9_990, 3, 10_010, 3), instruments=["SIM-5"], name="own_quotes")
    )
    policies.append(
        targets((1, 1.0), (15, -1.0), (30, 0.3), topology="pegged", instruments=["SIM-6"], name="own_targets")
    )
    terms = {"max_position_lots": 40, "max_order_lots": 80, "maker_fee_e7": -20, "taker_fee_e7": 450}
    return session(*policies, n=7, terms=terms, **{"exchange": LATENCY, **options})
