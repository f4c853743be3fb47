"""How often the shipped detectors alert without cause, and how late with one: Monte Carlo on the kernels themselves.

ARL0 is observations by false alerts, so that a run which the budget cuts short counts with what it had: the maximum
likelihood estimate of a constant hazard. Its standard error is ARL0 / sqrt(alerts).
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from math import isfinite, log, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.numerics.jit import entry, kernel
from alphatrade_runtime.numerics.math import log_det
from alphatrade_runtime.numerics.rng import normal, stream, uniform
from alphatrade_runtime.reflection.drift.detectors import (
    ALERT,
    DETECTOR_DTYPE,
    DETECTOR_PARAMS_DTYPE,
    Use,
    detect,
    restart,
    set_params,
)

LAWS = ("gaussian", "t4")
CHUNK = 1_000_000
MOST_LENGTHS = 1_000_000
LIFE = 100_000
TENTH = 0.10536051565782628  # -ln 0.9: the 10% quantile of an exponential law, by its mean
SAMPLES_A_TARGET = 100  # samples for a target, in ARL0: about as many early alerts
BURN = 200  # observations in control before a shift: Page-Hinkley compares with what it has seen
_T4 = 1

Progress = Callable[[int, int], None]

# age: observations of the run under way, with the burn; -1 before it.  mu, sigma: the reference that it is judged by.
# left: observations for which that reference still lives.
_RUN_DTYPE = np.dtype(
    [("age", "i8"), ("mu", "f8"), ("sigma", "f8"), ("alerts", "i8"), ("early", "i8"), ("used", "i8"),
     ("left", "i8"), ("references", "i8")]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """What is measured. reference_n: observations that the reference is estimated from, 0 when it is known.

    shift: standard deviations, towards the adverse side, after BURN observations; 0 measures false alerts.
    life: observations for which an estimated reference is kept, whatever alerts; 0: a new one for each run. With one,
    the mean is that of the rate of alerts over references; without, of the time to the first alert, which a few lucky
    references make long.
    """

    name: str
    law: str = "t4"
    use: Use = Use.CUSUM
    shift: float = 0.0
    reference_n: int = 0
    clip: float = 3.0
    cusum_alert: float = 10.0
    ph_alert: float = 20.0
    two_sided: bool = True
    life: int = 0


@dataclass(frozen=True, slots=True)
class Measured:
    """mean: observations an alert, or mean delay.  error: its standard error.  low: 10% quantile, NaN where unknown.

    samples: observations taken, the references' not counted.
    """

    case: Case
    mean: float
    error: float
    low: float
    alerts: int
    samples: int


ALL_RULES = Use.CUSUM | Use.SHOCK | Use.PAGE_HINKLEY
_PAIR = Use.CUSUM | Use.SHOCK
_SAID = {Use.CUSUM: "CUSUM", Use.SHOCK: "shock rule", Use.PAGE_HINKLEY: "Page-Hinkley", ALL_RULES: "all three"}


def said(use: Use) -> str:
    """Name a set of rules."""
    return _SAID.get(use) or " and ".join(_SAID[one] for one in (Use.CUSUM, Use.SHOCK, Use.PAGE_HINKLEY) if one in use)


CASES = (
    Case("false alerts, CUSUM"),
    Case("false alerts, CUSUM", law="gaussian"),
    Case("false alerts, shock rule", use=Use.SHOCK),
    Case("false alerts, CUSUM and shock rule", use=_PAIR),
    Case("false alerts, Page-Hinkley", use=Use.PAGE_HINKLEY),
    Case("false alerts, all three", use=ALL_RULES),
    Case("false alerts, all three", law="gaussian", use=ALL_RULES),
    Case("false alerts, CUSUM unclipped, h 8", law="gaussian", clip=np.inf, cusum_alert=8.0),
    Case("false alerts, CUSUM unclipped, h 8", clip=np.inf, cusum_alert=8.0),
    Case("false alerts, CUSUM", reference_n=1_000),
    Case("false alerts, CUSUM", reference_n=250),
    Case("false alerts, CUSUM, reference kept", reference_n=1_000, life=LIFE),
    Case("false alerts, CUSUM, reference kept", reference_n=250, life=LIFE),
    Case("delay, CUSUM", shift=1.0),
    Case("delay, CUSUM", shift=2.0),
    Case("delay, CUSUM", shift=1.0, law="gaussian"),
    Case("delay, CUSUM", shift=2.0, law="gaussian"),
    Case("delay, Page-Hinkley", use=Use.PAGE_HINKLEY, shift=1.0),
    Case("delay, Page-Hinkley", use=Use.PAGE_HINKLEY, shift=2.0),
    Case("delay, all three", use=ALL_RULES, shift=1.0),
    Case("delay, all three", use=ALL_RULES, shift=2.0),
)


@kernel
def _draw(law, rng):
    """Draw from a law of mean 0 and variance 1; Student's t with 4 degrees is a normal by a root of gammas."""
    x = normal(rng)
    if law != _T4:
        return x
    chi = -2.0 * log_det(uniform(rng) * uniform(rng))
    return x / sqrt(0.5 * chi)  # t4 = x / sqrt(chi / 4), whose variance is 2


@kernel
def _begin(run, d, law, rng, reference_n, life):
    """Begin a run: detectors anew, and a new reference unless one is kept."""
    run.age = 0
    restart(d, 0)
    if run.left > 0:
        return
    run.left = life
    run.references += 1
    run.mu = 0.0
    run.sigma = 1.0
    if reference_n == 0:
        return
    m2 = 0.0
    for k in range(reference_n):
        x = _draw(law, rng)
        delta = x - run.mu
        run.mu += delta / (k + 1)
        m2 += delta * (x - run.mu)
    run.sigma = sqrt(m2 / (reference_n - 1))


@entry
def advance(run, d, p, rng, law, reference_n, shift, burn, two_sided, life, once, budget, lengths):
    """Take `budget` more observations; the lengths of runs that end go to `lengths`, (m,) int64, while there is room.

    A low value is adverse. An alert within the burn ends a run that does not count.
    life: observations for which a reference is kept, 0 for a run.  once: 1 its first alert ends it too.
    """
    for _ in range(budget):
        if run.age < 0:
            _begin(run, d, law, rng, reference_n, life)
        x = _draw(law, rng) - (shift if run.age >= burn else 0.0)
        run.age += 1
        if run.age > burn:
            run.used += 1
        if detect(d, p, (x - run.mu) / run.sigma, -1, two_sided, run.age) == ALERT:
            if run.age > burn:
                if run.alerts < len(lengths):
                    lengths[run.alerts] = run.age - burn
                run.alerts += 1
            else:
                run.early += 1
            run.age = -1
            if once != 0:
                run.left = 0
        if run.left > 0:
            run.left -= 1
            if run.left == 0:
                run.age = -1


def measure(case: Case, samples: int, seed: int, progress: Progress | None = None) -> Measured:
    """Measure one case on so many observations. Raises InputError for a case that has no meaning."""
    lengths = np.zeros(MOST_LENGTHS, np.int64)
    run = _drawn(case, samples, seed, lengths, once=0, progress=progress)
    return _summary(case, run, lengths[: min(int(run.alerts), MOST_LENGTHS)], samples)


def _drawn(
    case: Case, samples: int, seed: int, lengths: npt.NDArray[np.int64], *, once: int, progress: Progress | None
) -> Any:
    """Draw the observations of a case; return the record of its runs."""
    if case.law not in LAWS:
        raise InputError(f"law: {case.law!r} is unknown; give one of {', '.join(LAWS)}")
    if samples < 1 or case.reference_n == 1 or case.reference_n < 0:
        raise InputError("drift calibrate: give samples >= 1, and a reference of 0 (known) or of 2 and more")
    run, d, p = (np.zeros(1, t).view(np.recarray)[0] for t in (_RUN_DTYPE, DETECTOR_DTYPE, DETECTOR_PARAMS_DTYPE))
    set_params(p, clip=case.clip, cusum_alert=case.cusum_alert, ph_alert=case.ph_alert, use=case.use)
    run.age = -1
    rng = stream(seed, _stream_name(case))
    law, burn = LAWS.index(case.law), BURN if case.shift else 0
    fixed = (case.reference_n, case.shift, burn, int(case.two_sided), case.life, once)
    for start in range(0, samples, CHUNK):
        budget = min(CHUNK, samples - start)
        advance(run, d, p, rng, law, *fixed, budget, lengths)
        if progress is not None:
            progress(start + budget, samples)
    return run


def _stream_name(case: Case) -> str:
    """Name a case's random numbers by its law alone: cases that differ in a threshold see the same numbers."""
    return f"drift {case.law} {case.reference_n} {case.shift:g}"


def _summary(case: Case, run: Any, lengths: npt.NDArray[np.int64], samples: int) -> Measured:
    alerts = int(run.alerts)
    if not alerts:
        return Measured(case, float("inf"), float("nan"), float("nan"), 0, samples)
    low = float(np.quantile(lengths, 0.1)) if case.life == 0 else float("nan")  # lives cut the long runs short
    if case.shift:
        spread = float(np.std(lengths, ddof=1)) if alerts > 1 else float("nan")
        return Measured(case, float(np.mean(lengths)), spread / sqrt(alerts), low, alerts, samples)
    mean = int(run.used) / alerts
    return Measured(case, mean, mean / sqrt(alerts), low, alerts, samples)


def as_facts(one: Measured) -> dict[str, Any]:
    """Return a measurement as plain JSON values; what is not finite is null."""
    case = asdict(one.case) | {"use": said(one.case.use)}
    figures = {"mean": one.mean, "error": one.error, "low": one.low, "alerts": one.alerts, "samples": one.samples}
    return {key: _plain(value) for key, value in (case | figures).items()}


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not isfinite(value) else value


def reference_cases(law: str, reference_n: int) -> list[Case]:
    """Return the cases of false alerts for one reference."""
    uses = (Use.CUSUM, _PAIR, Use.PAGE_HINKLEY, ALL_RULES)
    return [Case(f"false alerts, {said(use)}", law, use, reference_n=reference_n) for use in uses]


def find_alert(case: Case, target: float, samples: int, seed: int, progress: Progress | None = None) -> Measured:
    """Find the CUSUM threshold, to a twentieth, for a target ARL0; the same numbers are drawn for each.

    It is the one at which a tenth of the references alert as early as with a constant hazard of that ARL0: the mean
    with an estimated reference is made by a few lucky ones, the early alerts by the others. What is returned as mean
    is the ARL0 of that hazard. Raises InputError.
    """
    if samples < SAMPLES_A_TARGET * target:
        raise InputError(
            f"--target {target:g}: few alerts in {samples} samples; give --samples {SAMPLES_A_TARGET * target:.0f}"
        )
    low, high = 20, 800  # twentieths
    best: Measured | None = None
    while high - low > 1:
        middle = (low + high) // 2
        found = _early(replace(case, cusum_alert=middle / 20), target, samples, seed, progress)
        if found.mean >= target:
            high, best = middle, found
        else:
            low = middle
    if best is None:
        raise InputError(f"--target {target:g}: no threshold up to 40 reaches it; give a lower one")
    return best


def _early(case: Case, target: float, samples: int, seed: int, progress: Progress | None) -> Measured:
    """Measure which share of references alerts within the early tenth, as the ARL0 of a constant hazard."""
    horizon = max(int(TENTH * target), 1)
    run = _drawn(replace(case, life=horizon), samples, seed, np.zeros(1, np.int64), once=1, progress=progress)
    alerts, n = int(run.alerts), int(run.references)
    if alerts in (0, n):
        return Measured(case, float("inf") if alerts == 0 else 0.0, float("nan"), float("nan"), alerts, samples)
    share = alerts / n
    hazard = -log(1.0 - share)
    mean = horizon / hazard
    error = mean / hazard * sqrt(share / ((1.0 - share) * n))
    return Measured(case, mean, error, TENTH * mean, alerts, samples)


def measure_all(cases: Sequence[Case], samples: int, seed: int, progress: Progress | None = None) -> list[Measured]:
    """Measure the cases one after the other."""
    found = []
    for k, case in enumerate(cases):
        said = None if progress is None else _part(progress, k, len(cases))
        found.append(measure(case, samples, seed, said))
    return found


def _part(progress: Progress, k: int, n: int) -> Progress:
    return lambda done, total: progress(k * total + done, n * total)
