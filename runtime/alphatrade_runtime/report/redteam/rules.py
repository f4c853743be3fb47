"""Did a run come through a fault? Small checks, each named for what it finds; the first finding is the verdict."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.market.redteam import Gate, Loss, Planted, Scenario
from alphatrade_runtime.report.redteam.watch import Watched
from alphatrade_runtime.risk.codes import Code, Guard

ANSWER_NS = 1_000_000_000  # event time within which a guard must be seen
RECOVERY_NS = 10_000_000_000  # after the fault's end, in which trading must be possible again
BEFORE_NS = 5_000_000_000
_HOLDING = (Code.KILL, Code.SESSION, Code.STALE, Code.PRICE_BAND)

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Imported:
    """What an import made of the tape with the fault, beside the tape without.

    told: messages refused, or told of, for the fault's reason.  same: what it let through is the tape without.
    """

    told: int
    same: bool


@dataclass(frozen=True)
class Facts:
    """All that the verdict depends on. limit_bps: the most that may be lost, None when no limit is set.

    jump_bps: a mark that moves more between two looks has followed a price that was no market's.
    """

    scenario: Scenario
    planted: Planted
    run: Watched
    imported: Imported
    traded: tuple[int, ...]
    limit_bps: int | None
    jump_bps: int


def violated(f: Facts) -> str:
    """The auditor disagrees with the books."""
    return f"auditor: {f.run.violations[0].text}" if f.run.violations else ""


def breached(f: Facts) -> str:
    """The strategy raised, or books that do not agree."""
    found = [f"{f.run.counts[name]} {name}" for name in ("plugin_faults", "breaks") if f.run.counts[name]]
    return f"breach: {', '.join(found)}" if found else ""


def import_silent(f: Facts) -> str:
    """An import did not refuse, or tell of, what it must."""
    told, due = f.imported.told, f.planted.count
    if not f.scenario.told or (told == due if due else told > 0):
        return ""
    return f"import: {f.scenario.told} told of {told} messages, {due or 'some'} planted"


def import_leaks(f: Facts) -> str:
    """Something of a fault that the import must refuse came through."""
    if f.scenario.gate is not Gate.IMPORT or f.imported.same:
        return ""
    return "import: what it let through is not the tape without the fault"


def answer_stood_before(f: Facts) -> str:
    """The code was there before the fault, so that seeing it says nothing."""
    if not _answer_due(f):
        return ""
    asked = f.run.asked
    before = (asked.ts_ns < f.planted.start_ns) & (asked.ts_ns >= f.planted.start_ns - BEFORE_NS)
    if (before & ~standing(f)).any():
        return ""
    return f"{f.scenario.answer} stood before the fault; give another --seed or tape"


def answer_missing(f: Facts) -> str:
    """The law does not deny with the code that is due, or does so too late."""
    if not _answer_due(f):
        return ""
    late_ns = answer_late_ns(f)
    if late_ns is None:
        asked = f.run.asked
        during = (asked.ts_ns >= f.planted.start_ns) & (asked.ts_ns <= f.planted.end_ns)
        return f"no {f.scenario.answer} while the fault was at work, but {_names(f, during)}"
    if late_ns > ANSWER_NS:
        return f"{f.scenario.answer} {late_ns / 1e9:.2f} s after it was due"
    at = np.isin(f.run.asked.ts_ns, f.planted.moments)
    loose = int((at & ~denied(f).any(axis=1)).sum())
    return f"no {f.scenario.answer} at {loose} of {int(at.sum())} planted prices" if loose else ""


def answer_lapsed(f: Facts) -> str:
    """The code was seen, but does not stand all the time from a second after it was due to the fault's end."""
    if not f.scenario.sustained or not _answer_due(f) or f.planted.due_ns is None:
        return ""
    asked = f.run.asked
    during = (asked.ts_ns >= f.planted.due_ns + ANSWER_NS) & (asked.ts_ns < f.planted.end_ns)
    lapsed = during & ~standing(f)
    return f"{f.scenario.answer} lapsed at {int(lapsed.sum())} of {int(during.sum())} looks" if lapsed.any() else ""


def order_left(f: Facts) -> str:
    """An order left while the code stood."""
    if not f.scenario.sustained or not _answer_due(f):
        return ""
    seen_ns = f.planted.due_ns + (answer_late_ns(f) or 0) if f.planted.due_ns is not None else 0
    sent = f.run.sent
    left = (sent[:, 0] > seen_ns) & (sent[:, 0] < f.planted.end_ns) & np.isin(sent[:, 1], f.traded)
    return f"{int(left.sum())} orders left under {f.scenario.answer}" if left.any() else ""


def mark_followed(f: Facts) -> str:
    """NAV was marked at a price that was no market's."""
    if not f.scenario.holds_mark:
        return ""
    asked = f.run.asked
    marks = asked.marks2[:, list(f.traded)]
    moved = np.abs(np.diff(marks, axis=0)) * 10_000 > marks[:-1] * f.jump_bps
    during = (asked.ts_ns[1:] >= f.planted.start_ns) & (asked.ts_ns[1:] <= f.planted.end_ns + ANSWER_NS)
    found = moved & during[:, None] & (marks[:-1] > 0)
    return "the mark followed a price that was no market's" if found.any() else ""


def guard_late(f: Facts) -> str:
    """NAV fell below a level of the law, and a second later nothing held."""
    asked = f.run.asked
    for below, holds, name in (
        (asked.below_peak, asked.killed, "peak-to-trough"),
        (asked.below_day, asked.held | asked.killed, "day's"),
    ):
        loose = below & ~holds
        for k in np.flatnonzero(loose & ~np.append(False, loose[:-1])).tolist():
            after = asked.ts_ns > asked.ts_ns[k] + ANSWER_NS
            held = holds[k:][asked.ts_ns[k:] <= asked.ts_ns[k] + ANSWER_NS].any()
            if not held and after.any():
                return f"drawdown: NAV below the {name} level, and no guard within 1 s"
    return ""


def lost_too_much(f: Facts) -> str:
    """The loss is above the scenario's limit."""
    lost = loss_bps(f)
    if f.limit_bps is None or lost <= f.limit_bps:
        return ""
    return f"loss {lost:.0f} bps, limit {f.limit_bps}"


def not_recovered(f: Facts) -> str:
    """After the fault no order could leave, and no guard of a loss or of drift says why."""
    return "" if recovery(f) else f"not tradable {RECOVERY_NS // 10**9} s after the fault: {_names(f, _after(f))}"


CHECKS: tuple[Callable[[Facts], str], ...] = (
    violated,
    breached,
    import_silent,
    import_leaks,
    mark_followed,
    answer_stood_before,
    answer_missing,
    answer_lapsed,
    order_left,
    guard_late,
    lost_too_much,
    not_recovered,
)


def finding(f: Facts) -> str:
    """Return what is wrong, the first of all checks, empty when nothing is."""
    return next(filter(None, (check(f) for check in CHECKS)), "")


def standing(f: Facts) -> Mask:
    """Where the due code denies both sides of every traded instrument. (n,) bool."""
    return np.asarray(denied(f).all(axis=1))


def denied(f: Facts) -> Mask:
    """Where the due code, or a kill that came first, denies both sides of a traded instrument. (n, m) bool."""
    codes = f.run.asked.codes[:, list(f.traded), :]
    killed = f.run.asked.killed[:, None, None] & (codes == Code.KILL)
    return np.asarray(((codes == Code[f.scenario.answer]) | killed).all(axis=2))


def answer_late_ns(f: Facts) -> int | None:
    """Event time from when the code was due to when each traded instrument had shown it; None when one never did."""
    asked, due_ns = f.run.asked, f.planted.due_ns
    during = (asked.ts_ns >= f.planted.start_ns) & (asked.ts_ns <= f.planted.end_ns)
    seen = denied(f) & during[:, None]
    if due_ns is None or not seen.any(axis=0).all():
        return None
    return max(0, int(asked.ts_ns[seen.argmax(axis=0)].max()) - due_ns)


def loss_bps(f: Facts) -> float:
    """Loss since the fault began in bps of NAV then: by the end, or at its worst, as the scenario counts."""
    asked = f.run.asked
    at = max(int(np.searchsorted(asked.ts_ns, f.planted.start_ns)) - 1, 0)
    began = int(asked.nav[at])
    end = f.run.money["nav"]
    worst = end if f.scenario.loss is Loss.DAY else min(end, int(asked.nav[at:].min()))
    return max(0, began - worst) * 10_000 / began


def recovery(f: Facts) -> str:
    """Say how it stands after the fault: `trades`, or which guard of a loss or of drift holds; empty when neither."""
    if f.run.asked.killed[-1]:
        return "stands: killed, peak to trough" if f.run.kill["guard"] == Guard.DRAWDOWN_PEAK.name else ""
    if f.run.asked.held[-1]:
        return "stands: day's loss, reductions only"
    if f.run.asked.drifting[-1]:
        return "stands: drift, reductions only"
    after = _after(f)
    if not after.any():
        return "trades"  # the fault lasts to the end of the tape
    codes = f.run.asked.codes[:, list(f.traded), :][after]
    free = ~np.isin(codes, _HOLDING).all(axis=2)
    return "trades" if free.any(axis=0).all() else ""


def limit_of(scenario: Scenario, day_bps: int | None, peak_bps: int | None) -> int | None:
    """Return the drawdown limit that a scenario's loss is held against; where it is off, the other one."""
    first, second = (day_bps, peak_bps) if scenario.loss is Loss.DAY else (peak_bps, day_bps)
    return first if first is not None else second


def shown(f: Facts) -> Mapping[str, str | float | int | None]:
    """Return the figures of a verdict, for people and for JSON."""
    late = answer_late_ns(f) if _answer_due(f) else None
    return {
        "answer": f.scenario.answer if _answer_due(f) else "",
        "answer_ms": None if late is None else late // 1_000_000,
        "told": f.imported.told if f.scenario.told else None,
        "loss_bps": round(loss_bps(f), 3),
        "limit_bps": f.limit_bps,
        "recovery": recovery(f),
    }


def _answer_due(f: Facts) -> bool:
    return f.scenario.gate is Gate.LAW and f.planted.due_ns is not None


def _after(f: Facts) -> Mask:
    ts = f.run.asked.ts_ns
    return np.asarray((ts > f.planted.end_ns) & (ts <= f.planted.end_ns + RECOVERY_NS))


def _names(f: Facts, where: Mask) -> str:
    codes = f.run.asked.codes[:, list(f.traded), :][where]
    return ", ".join(Code(int(code)).name for code in np.unique(codes)) or "not asked"
