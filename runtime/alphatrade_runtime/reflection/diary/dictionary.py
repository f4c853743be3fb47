"""What the numbers of a run mean: the strings that are attached to its rows when they are read."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.instrument import Instrument
from alphatrade_runtime.policy.canonical import canonical
from alphatrade_runtime.policy.document import Session, parse_session


@dataclass(frozen=True)
class Dictionary:
    """Facts of one run. `instruments` by instrument index, `policies` by policy index."""

    run_id: str
    strategy_id: str
    stage: str
    risk_template: str
    policy_hash: str
    envelope_hash: str
    code_hash: str
    flags_hash: str
    instruments: tuple[Instrument, ...]
    policies: tuple[str, ...]

    @classmethod
    def from_run(cls, run: Mapping[str, Any]) -> "Dictionary":
        """Take the facts from a run.json; its `instruments` are in the order of the tape's indices.

        Raises InputError naming the field that is missing.
        """
        try:
            policy = run["session"]["policy"]
            return cls(
                run_id=run["run_id"],
                strategy_id=policy["strategy_id"],
                stage=policy["stage"],
                risk_template=policy["risk_template"],
                policy_hash=run["policy_hash"],
                envelope_hash=run["envelope_hash"],
                code_hash=run["code_hash"],
                flags_hash=hashlib.sha256(canonical(policy["envelope"]["flags"])).hexdigest(),
                instruments=tuple(Instrument.from_mapping(facts) for facts in run["instruments"]),
                policies=tuple(gene["name"] for gene in policy["genotype"]["policies"]),
            )
        except KeyError as error:
            raise InputError(f"run.json: field {error} is missing; restore the file from the run's copy") from None

    @cached_property
    def symbols(self) -> list[str]:
        """Symbols by instrument index."""
        return [instrument.symbol for instrument in self.instruments]


def read_run(folder: Path) -> dict[str, Any]:
    """Read a run's run.json. Raises InputError naming the file when it is no run."""
    path = folder / "run.json"
    try:
        run = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; give the folder of a finished run") from None
    except ValueError:
        raise InputError(f"{path}: not JSON; restore the file from the run's copy") from None
    if not isinstance(run, dict):
        raise InputError(f"{path}: no JSON object; restore the file from the run's copy")
    return run


def session_of(folder: Path) -> Session:
    """Return the session that a run traded. Raises InputError."""
    run = read_run(folder)
    if "session" not in run:
        raise InputError(f"{folder / 'run.json'}: field session is missing; restore the file from the run's copy")
    return parse_session(run["session"])
