"""The red team's verdicts: a sound engine passes, and each pass rule has a damaged one that it finds."""

from dataclasses import replace

import numpy as np
import pytest

from alphatrade_runtime.loop.engine import Engine
from alphatrade_runtime.market import quality
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.redteam import SCENARIOS, Severity, catalog, with_timers
from alphatrade_runtime.report.redteam import cases, rules
from alphatrade_runtime.report.redteam.watch import HEARTBEAT_NS, watch
from unit.loop.mind_sessions import everything
from unit.market.redteam_tapes import quiet_market
from unit.report.redteam_session import judged, suite
from unit.risk.law_mutants import Mutant, damaged

STATUS = """        if (c.views[i].status == _TRADING) != (row.price == _TRADING):
            c.views[i].status = row.price
            guard_row(c, _G_HALT)
        c.views[i].status = row.price
"""


def law(code, line):
    return Mutant(code, "risk.law", f"    util[_{code}] = {line}", f"    util[_{code}] = 0", ())


BROKEN = {
    "no_session_check": (
        "halt_reopen", law("SESSION", "session_closed(view, account, limits)"), "no SESSION while",
    ),
    "no_stale_check_of_a_crossed_book": (
        "crossed_book", law("STALE", "stale(view, instrument, account, limits)"), "no STALE while",
    ),
    "quotes_never_age": (
        "stuck_quote",
        Mutant("age", "risk.law", "max(silent, utilisation(account.now - view.quote_ts, instrument.max_quote_age_ns))",
               "silent", ()),
        "s after it was due",
    ),
    "quotes_age_late": (
        "stuck_quote",
        Mutant("late", "risk.law", "utilisation(account.now - view.quote_ts, ",
               "utilisation(account.now - view.quote_ts - 10_000_000_000, ", ()),
        "s after it was due",
    ),
    "streams_are_never_silent": (
        "late_ticks",
        Mutant("silent", "risk.law", "silent = utilisation(account.now - account.stream_ts, limits.stream_stale_ns)",
               "silent = 0", ()),
        "s after it was due",
    ),
    "no_price_band": (
        "bad_print_high", law("PRICE_BAND", "outside_band(request, view, limits, band_bps)"),
        "auditor: PRICE_BAND",
    ),
    "marks_jump_at_once": (
        "bad_print_low", Mutant("jump", "market.view", "JUMP_QUOTES = 3", "JUMP_QUOTES = 1", ()),
        "the mark followed a price",
    ),
    "orders_leave_unasked": (
        "stuck_quote",
        Mutant("unasked", "loop.act", "    slot = -1\n    if", "    slot, code = -1, 0\n    if", ()),
        "orders left under STALE",
    ),
    "a_halt_never_ends": (
        "halt_reopen",
        Mutant("latched", "loop.rows", STATUS, "        c.views[i].status = max(c.views[i].status, row.price)\n", ()),
        "not tradable 10 s after the fault: SESSION",
    ),
    "a_fee_is_forgotten": (
        "fee_shock",
        Mutant("fee", "loop.reports", "    on_nav(account, c.limits[0])\n    fill_row",
               "    account.cash += fee\n    account.nav += fee\n    on_nav(account, c.limits[0])\n    fill_row", ()),
        "auditor: ",
    ),
}  # fmt: skip


HIGH = ("late_ticks", "fee_shock", "stuck_quote")  # where less would show nothing


def judged_in_python(name):
    """The verdict on a market just long enough for plain Python."""
    high = name in HIGH
    return judged(name, Severity.HIGH if high else Severity.LOW, seconds=85 if high else 50, n=1)


@pytest.fixture
def soon(monkeypatch):
    """Faults start after 20 s: plain Python takes a second for a minute of market."""
    monkeypatch.setattr(catalog, "LEAD_NS", 20_000_000_000)


@pytest.mark.twin
@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("name", ["bad_print_low", "stuck_quote"])
def test_the_sound_engine_passes_as_plain_python_too(name):
    verdict = judged_in_python(name)
    assert (verdict.state, verdict.why) == ("Pass", "")


@pytest.mark.twin
@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("damage", sorted(BROKEN))
def test_each_damage_is_found_and_named(damage):
    name, mutant, said = BROKEN[damage]
    with damaged(mutant):
        verdict = judged_in_python(name)
    assert verdict.state == "Fail"
    assert said in verdict.why


@pytest.mark.twin
@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize(
    ("line", "limits", "said"),
    [
        ("account.reduce_only |= REDUCE_DAY_DRAWDOWN", {"day_drawdown_bps": 1}, "NAV below the day's level"),
        ("if trip(account, HALT, _DRAWDOWN_PEAK, 0, account.seq):", {"max_drawdown_bps": 2, "day_drawdown_bps": None},
         "NAV below the peak-to-trough level"),
    ],
)  # fmt: skip
def test_a_drawdown_guard_that_does_not_hold_is_found(line, limits, said):
    damage = Mutant("held", "loop.step", line, "pass" if "if" not in line else "if False:", ())
    with damaged(damage):
        assert said in judged("fee_shock", Severity.HIGH, seconds=50, n=1, **limits).why
    assert "guard within 1 s" not in judged("fee_shock", Severity.HIGH, seconds=50, n=1, **limits).why


@pytest.mark.twin
@pytest.mark.usefixtures("soon")
def test_a_strategy_that_cannot_take_nan_is_a_breach():
    verdict = judged("nan_features", given=suite("redteam_faulty", seconds=50, n=1))
    assert verdict.state == "Fail"
    assert "plugin_faults" in verdict.why


@pytest.mark.parametrize(
    ("name", "check"), [("bad_print_zero", "price_not_positive"), ("crossed_book", "crossed_book")]
)
def test_an_import_that_lets_a_fault_through_is_found(name, check, monkeypatch):
    left = tuple(one for one in quality.REFUSALS if one[0] != check)
    assert judged(name).state == "Pass"
    monkeypatch.setattr(quality, "REFUSALS", left)
    assert f"import: {check} told of 0 messages" in judged(name).why


def test_an_import_that_does_not_tell_twice_sent_messages_is_found(monkeypatch):
    monkeypatch.setattr(quality, "duplicate", lambda sequence, previous: np.zeros(len(sequence), np.bool_))
    assert "import: duplicate told of 0 messages" in judged("duplicate_rows").why


@pytest.fixture(scope="module")
def tried():
    """A suite whose runs are made once."""
    return suite()


@pytest.fixture
def facts(tried):
    """What a passed halt is judged by, to be changed by hand."""
    return tried.facts(SCENARIOS["halt_reopen"], Severity.LOW)


def test_the_watched_run_is_the_engines_own(tried):
    rows = with_timers(tried.market, HEARTBEAT_NS)
    assert watch(tried.engine, tried.market, "in-memory").digests == tried.engine.replay(rows).digests


def test_a_watched_run_with_a_mind_is_the_engines_own_too():
    engine, market = Engine(everything()), quiet_market(instruments=2, seconds=100)
    watched = watch(engine, market, "in-memory")
    assert watched.digests == engine.replay(with_timers(market, HEARTBEAT_NS)).digests
    assert "mind" in watched.digests


def test_the_strategy_trades_so_that_a_pass_says_something(tried):
    base = tried.base()
    assert base.counts["fills"] > 100
    assert not base.violations


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_every_scenario_passes_at_every_severity(tried, name):
    verdicts = [judged(name, severity, tried) for severity in Severity]
    assert [(one.state, one.why) for one in verdicts] == [("Pass", "")] * 3


def test_reductions_that_the_drift_sentry_leaves_are_a_state_after_a_fault(facts):
    assert rules.recovery(facts) == "trades"
    asked = facts.run.asked
    run = replace(facts.run, asked=asked._replace(drifting=np.ones(len(asked.ts_ns), np.bool_)))
    assert rules.recovery(replace(facts, run=run)) == "stands: drift, reductions only"


def test_a_verdict_is_made_by_the_first_finding(facts):
    assert rules.finding(facts) == ""
    assert rules.finding(replace(facts, limit_bps=-1)).startswith("loss ")
    breach = replace(facts.run, counts={**facts.run.counts, "breaks": 2})
    assert rules.finding(replace(facts, limit_bps=-1, run=breach)) == "breach: 2 breaks"


def test_what_an_import_lets_through_must_be_the_tape_without_the_fault(tried):
    facts = tried.facts(SCENARIOS["duplicate_rows"], Severity.LOW)
    assert rules.finding(facts) == ""
    assert "not the tape without" in rules.finding(replace(facts, imported=replace(facts.imported, same=False)))


def test_a_code_that_stood_before_the_fault_proves_nothing(facts):
    asked = facts.run.asked
    early = asked.codes.copy()
    early[asked.ts_ns < facts.planted.start_ns] = 2
    run = replace(facts.run, asked=asked._replace(codes=early))
    assert rules.finding(replace(facts, run=run)) == "SESSION stood before the fault; give another --seed or tape"


def test_a_code_that_lapses_while_the_fault_lasts_is_found(facts):
    asked, due_ns = facts.run.asked, facts.planted.due_ns
    codes = asked.codes.copy()
    codes[(asked.ts_ns > due_ns + 5 * 10**9) & (asked.ts_ns < due_ns + 6 * 10**9)] = 0
    run = replace(facts.run, asked=asked._replace(codes=codes))
    assert rules.finding(replace(facts, run=run)).startswith("SESSION lapsed at 4 of ")


def test_a_bad_print_must_be_denied_at_each_place(tried):
    facts = tried.facts(SCENARIOS["bad_print_high"], Severity.HIGH)
    asked = facts.run.asked
    codes = asked.codes.copy()
    codes[np.searchsorted(asked.ts_ns, facts.planted.moments[-1])] = 0
    run = replace(facts.run, asked=asked._replace(codes=codes))
    assert rules.finding(replace(facts, run=run)) == "no PRICE_BAND at 1 of 40 planted prices"


def test_a_market_that_is_too_short_for_a_scenario_is_an_error_of_that_one(tried):
    short = suite()
    short.market = short.market.slice(0, 2)
    verdict = short.judge(SCENARIOS["vol_jump"], Severity.LOW)
    assert verdict.state == "Error"
    assert "no valid quote" in verdict.why


def test_all_cases_are_asked_for_unless_some_are_named():
    assert len(cases((), ())) == 3 * len(SCENARIOS)
    assert [(one.name, level.value) for one, level in cases(["stuck_quote"], ["High", "Low"])] == [
        ("stuck_quote", "Low"), ("stuck_quote", "High"),
    ]  # fmt: skip
    with pytest.raises(InputError, match="--scenario flood: no such one; choose from vol_jump"):
        cases(["flood"], ())
