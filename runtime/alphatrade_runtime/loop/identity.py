"""Who decides, what is allowed, what computes: the three hashes of a run."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from alphatrade_runtime.execution.topology import NAMES, PARAMS
from alphatrade_runtime.loop.build import signal_of
from alphatrade_runtime.policy.document import Session
from alphatrade_runtime.policy.hashes import (
    ResolvedParams,
    code_hash,
    envelope_hash,
    installed_code,
    model_digests_of,
    policy_hash,
)


@dataclass(frozen=True, slots=True)
class Identity:
    """Hashes in hex (64)."""

    policy_hash: str
    envelope_hash: str
    code_hash: str

    def run_id(self, tape_digest: str, session: Session) -> str:
        """Name a run by everything that its record depends on; two equal runs have one name."""
        parts = [*asdict(self).values(), tape_digest, repr(session.exchange), session.funding_model]
        return "run-" + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def identify(session: Session, plugin_digests: Mapping[str, str]) -> Identity:
    """Compute the hashes of a session. plugin_digests: `sha256:<hex>` by signal name, for signals from files."""
    resolved = {}
    for gene in session.policy.genotype.policies:
        topology = PARAMS[NAMES[gene.execution_topology.type]]
        given = gene.execution_topology.params
        resolved[gene.name] = ResolvedParams(
            signal_of(gene).resolve(gene.signal.params), {p.name: given.get(p.name, p.default) for p in topology}
        )
    used = {g.signal.ref for g in session.policy.genotype.policies}
    digests = {name: digest for name, digest in plugin_digests.items() if name in used}
    return Identity(
        policy_hash(session.policy, resolved, digests, model_digests_of(session.policy)),
        envelope_hash(session.policy.envelope),
        code_hash(installed_code()),
    )
