"""Make the understanding loop of a session from its document, and give it to the run's state."""

from typing import Any

from alphatrade_runtime.adaptation.exploration.budget import SHARES_BPS, permit_for_good, prepare_budget
from alphatrade_runtime.adaptation.exploration.counterfactual import prepare_guard
from alphatrade_runtime.adaptation.fast_weights.multiplier import reset as reset_multipliers
from alphatrade_runtime.adaptation.fast_weights.state import fast_params
from alphatrade_runtime.adaptation.fast_weights.state import reset as reset_fast
from alphatrade_runtime.adaptation.router.attention import prepare_router, reset_router
from alphatrade_runtime.adaptation.router.shadow import reset_shadow
from alphatrade_runtime.adaptation.router.weighted import NOBODY
from alphatrade_runtime.execution.topology import NAMES as TOPOLOGIES
from alphatrade_runtime.execution.topology import resolve_params
from alphatrade_runtime.loop.build import signal_of
from alphatrade_runtime.loop.core import CORE_DTYPE, Core
from alphatrade_runtime.loop.mind import explore, note, think, watch
from alphatrade_runtime.loop.mind.drift import booked
from alphatrade_runtime.loop.mind.host import Mind
from alphatrade_runtime.loop.mind.state import (
    HAS_ATTENTION,
    HAS_BELIEF,
    HAS_CHOICE,
    HAS_DRIFT,
    HAS_EXPLORATION,
    HAS_FAST,
    HAS_PROBES,
    HAS_REGIME,
)
from alphatrade_runtime.loop.mind.synapse import tagged_neurons
from alphatrade_runtime.loop.mind_link import attach
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.numerics.address import I64, address_of, lend, record_type
from alphatrade_runtime.perception.belief import standardise
from alphatrade_runtime.perception.belief.belief import reset as reset_belief
from alphatrade_runtime.perception.belief.weights import active_neurons, weights_of
from alphatrade_runtime.perception.features import DOCS, NEEDS_PATH, needs
from alphatrade_runtime.perception.features import NAMES as FEATURES
from alphatrade_runtime.perception.regime.labels import NAMES as REGIMES
from alphatrade_runtime.perception.regime.model import default_model
from alphatrade_runtime.perception.regime.state import hmm_params, rules_params
from alphatrade_runtime.perception.regime.state import reset as reset_regime
from alphatrade_runtime.policy.document import Belief, Drift, RegimeClassifier, Session
from alphatrade_runtime.reflection.drift.neurons import reset as reset_neurons
from alphatrade_runtime.reflection.drift.psi import reset as reset_shifts
from alphatrade_runtime.reflection.drift.sentry import Stream
from alphatrade_runtime.reflection.drift.sentry import prepare as prepare_sentry
from alphatrade_runtime.reflection.drift.sentry import reset as reset_sentry
from alphatrade_runtime.reflection.probes.state import prepare as prepare_probes
from alphatrade_runtime.reflection.probes.state import reset as reset_probes

_ARGUMENTS = (record_type(CORE_DTYPE), I64, I64, I64)
_ALL_REGIMES = (1 << len(REGIMES)) - 1
KAPPAS = {"Sim": 0.35, "Paper": 0.35, "LiveShadow": 0.20, "Live": 0.0}  # how far fast weights may move a score
FLOORS = {"ticks": 0.1, "lots": 1.0, "share": 0.01}  # least scale of a feature, by its unit
_ALWAYS = (Stream.EDGE, Stream.HIT_RATE, Stream.SLIPPAGE, Stream.SURPRISE, Stream.PSI)  # odds need a trained readout


def parts_of(session: Session) -> int:
    """Return which parts of the loop a session has on, HAS_* together; 0 is none of it."""
    genes, flags = session.policy.genotype, session.policy.envelope.flags
    parts = (
        (HAS_BELIEF, genes.belief is not None),
        (HAS_REGIME, genes.regime is not None),
        (HAS_PROBES, genes.probes is not None),
        (HAS_DRIFT, genes.drift is not None),
        (HAS_FAST, flags.fast_weights),
        (HAS_ATTENTION, flags.linear_attention),
        (HAS_CHOICE, genes.regime is not None or flags.linear_attention),
        (HAS_EXPLORATION, flags.exploration),
    )
    return sum(part for part, on in parts if on)


def give_mind(core: Core, session: Session) -> None:
    """Build what the session has on and attach it to a fresh state. Raises InputError naming what cannot run."""
    terms = session.policy.envelope.instruments
    parts = parts_of(session)
    features = _features(session)
    policies = [gene.name for gene in session.policy.genotype.policies]
    mind = Mind([one.symbol for one in terms], _streams(parts), features, policies)
    shared = mind.shared[0]
    shared.parts, shared.instruments = parts, len(terms)
    _set_policies(shared, session)
    _set_belief(mind, session.policy.genotype.belief)
    _set_regime(mind, session.policy.genotype.regime)
    _set_drift(mind, session.policy.genotype.drift)
    if parts & HAS_PROBES:
        _set_probes(mind, session.policy.genotype.belief)
    if parts & HAS_FAST:
        _set_fast(mind, session)
    if parts & HAS_ATTENTION:
        _set_router(mind, session)
    if parts & HAS_EXPLORATION:
        _set_exploration(shared, session)
    for i, symbol in enumerate(mind.symbols):
        symbol.current = int(core[0].instruments[i].policy)
        symbol.previous = symbol.current
        symbol.factor = 1.0
        symbol.noted = -1
        symbol.tried = symbol.incumbent = NOBODY
        symbol.multipliers[:] = 1.0
    core[0].loop[0].feature_needs |= NEEDS_PATH | needs(tuple(FEATURES[name] for name in features))
    shared.symbols = lend(mind.symbols)
    called = {
        "think": think.think, "note": note.note,
        "watch": watch.watch if parts & (HAS_PROBES | HAS_EXPLORATION) else None,
        "booked": booked if parts & HAS_DRIFT else None,
        "room": explore.room_for if parts & HAS_EXPLORATION else None,
        "sent": explore.flow_sent if parts & HAS_EXPLORATION else None,
    }  # fmt: skip
    addresses = {name: address_of(function, _ARGUMENTS) if function else 0 for name, function in called.items()}
    attach(core, mind, {**addresses, "mind": lend(mind.shared)})


def _streams(parts: int) -> tuple[str, ...]:
    of = (
        ("belief_snapshots", HAS_BELIEF),
        ("regimes", HAS_REGIME),
        ("probes", HAS_PROBES),
        ("routes", parts),
        ("drift", HAS_DRIFT),
        ("explorations", HAS_EXPLORATION),
    )
    return tuple(name for name, part in of if parts & part)


def _features(session: Session) -> tuple[str, ...]:
    belief = session.policy.genotype.belief
    if belief is None:
        return ()
    for name in belief.features:
        if name not in FEATURES:
            raise InputError(f"genotype.belief.features: unknown feature {name!r}; known: {', '.join(FEATURES)}")
    return belief.features


def _set_policies(shared: Any, session: Session) -> None:
    genes = session.policy.genotype.policies
    shared.policies = len(genes)
    for j, gene in enumerate(genes):
        labels = [REGIMES[name] for name in gene.regimes]
        shared.regimes[j] = sum(1 << int(label) for label in labels) if labels else _ALL_REGIMES
        shared.weights_bps[j] = gene.weight_bps
        for i, terms in enumerate(session.policy.envelope.instruments):
            shared.trades[j, i] = not gene.instruments or terms.symbol in gene.instruments
        topology = TOPOLOGIES[gene.execution_topology.type]
        shared.topology[j] = resolve_params(topology, dict(gene.execution_topology.params))


def _set_belief(mind: Mind, belief: Belief | None) -> None:
    if belief is None:
        return
    shared = mind.shared[0]
    ids = [int(FEATURES[name]) for name in belief.features]
    shared.inputs = len(ids)
    shared.input_ids[: len(ids)] = ids
    shared.active = active_neurons(belief)
    shared.weights[0] = weights_of(belief)
    shared.rate = standardise.rate(belief.half_life)
    floors = [FLOORS[DOCS[FEATURES[name]].unit] for name in belief.features]
    for symbol in mind.symbols:
        standardise.reset(symbol.standard[0], floors, belief.half_life)
        reset_belief(symbol.belief[0])


def _set_regime(mind: Mind, block: RegimeClassifier | None) -> None:
    if block is None:
        return
    spans = {"dwell": block.dwell, "persist": block.persist}
    if block.type == "rules":
        params = rules_params(block.fast_half_life, block.slow_half_life, **spans)
    else:
        params = hmm_params(default_model(block.fast_half_life, block.slow_half_life), **spans)
    mind.shared[0].regime[:] = params
    for symbol in mind.symbols:
        reset_regime(symbol.regime[0], params[0])


def _set_probes(mind: Mind, belief: Belief | None) -> None:
    shared = mind.shared[0]
    prepare_probes(shared.probe[0])
    if belief is not None:
        shared.tagged[:] = tagged_neurons(shared.weights[0], belief.features)
    for symbol in mind.symbols:
        reset_probes(symbol.probes[0])


def _set_drift(mind: Mind, block: Drift | None) -> None:
    if block is None:
        return
    hinkley, cusum = block.page_hinkley, block.cusum
    thresholds = {
        "ph_delta": hinkley.delta, "ph_warn": hinkley.warn, "ph_alert": hinkley.alert, "cusum_k": cusum.slack,
        "cusum_warn": cusum.warn, "cusum_alert": cusum.alert, "shock": block.shock,
    }  # fmt: skip
    given: dict[str, Any] = {name: float(value) for name, value in thresholds.items()}
    params = mind.shared[0].sentry[0]
    watched = (*_ALWAYS, Stream.CALIBRATION) if mind.shared[0].weights[0].horizon > 0 else _ALWAYS
    prepare_sentry(params, reference_n=block.reference, used=watched, ph_min=block.min_observations, **given)
    for symbol in mind.symbols:
        reset_sentry(symbol.sentry[0], params)
        reset_shifts(symbol.features[0], reference_n=block.reference)
        reset_neurons(symbol.neurons[0], reference_n=block.reference)


def _set_fast(mind: Mind, session: Session) -> None:
    block = session.policy.genotype.fast_weights
    mind.shared[0].fast[:] = fast_params(block.rule, block.half_life, kappa=KAPPAS[session.policy.mode])
    for symbol in mind.symbols:
        reset_fast(symbol.fast[0])
        reset_multipliers(symbol.multiplier[0])


def _set_router(mind: Mind, session: Session) -> None:
    genes, block = session.policy.genotype.policies, session.policy.genotype.router
    quoting = [gene.name for gene in genes if signal_of(gene).form == "quote"]
    if quoting:
        raise InputError(
            f"policy {quoting[0]}: its signal states quotes, whose shadow cannot be priced; "
            "linear attention chooses among signals of a target only"
        )
    prepare_router(
        mind.shared[0].router[0],
        [gene.weight_bps for gene in genes],
        seed=session.policy.envelope.seed,
        switch_cost_bps=float(block.switching_cost_bps),
        horizon=block.horizon,
        half_life=block.half_life,
    )
    for symbol in mind.symbols:
        reset_router(symbol.router[0])
        reset_shadow(symbol.shadow[0], block.horizon, block.half_life)


def _set_exploration(shared: Any, session: Session) -> None:
    """Set the budget. Live modes have none, whatever is given.

    A session in one process asks nobody, and is permitted for good; one on a cluster begins without a permit.
    """
    block, mode = session.policy.envelope.exploration, session.policy.mode
    if block is None:
        return
    share = block.share_bps if SHARES_BPS[mode] else 0
    prepare_budget(shared.budget_params[0], mode, share_bps=share, cadence=block.cadence, window=block.window)
    prepare_guard(shared.guard[0])
    if not block.by_permit:
        permit_for_good(shared.budget[0], share)
    shared.freeze_warning = block.freeze_on_warning
    shared.freeze_drawdown_bps = block.freeze_drawdown_bps or 0
    shared.freeze_near_miss_bps = block.freeze_near_miss_bps or 0
    shared.quiet_decisions = block.quiet_decisions
    shared.offered_to = -1
