"""A run's whole state in one file, so that a killed run goes on and ends with the same bytes."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from alphatrade_runtime.loop.core import STATE_BYTES, Core, part
from alphatrade_runtime.loop.mind_link import MIND_ADDRESSES, mind_of
from alphatrade_runtime.market.faults import InputError

NAME = "checkpoint.npz"


@dataclass(frozen=True)
class Checkpoint:
    """State bytes, record-log states by stream, the auditor's arrays, the tape row that the window starts at."""

    state: npt.NDArray[np.uint8]
    logs: Mapping[str, bytes]
    auditor: Mapping[str, npt.NDArray[np.void]]
    base: int
    facts: Mapping[str, str]

    def save(self, folder: Path) -> None:
        """Write it beside the run, whole or not at all."""
        partial = folder / f"{NAME}.partial-{os.getpid()}"
        arrays: dict[str, Any] = {f"log_{name}": np.frombuffer(data, np.uint8) for name, data in self.logs.items()}
        arrays |= {f"auditor_{name}": array for name, array in self.auditor.items()}
        facts = np.frombuffer(json.dumps({"base": self.base, **self.facts}).encode(), np.uint8)
        try:
            with partial.open("wb") as file:
                np.savez(file, state=self.state, facts=facts, **arrays)
            os.replace(partial, folder / NAME)
        except OSError:
            partial.unlink(missing_ok=True)
            raise

    @classmethod
    def load(cls, folder: Path) -> "Checkpoint | None":
        """Read the checkpoint of a run, None when it never got to one. Raises InputError when it is unreadable."""
        path = folder / NAME
        if not path.exists():
            return None
        try:
            with np.load(path, allow_pickle=False) as saved:
                facts = json.loads(saved["facts"].tobytes())
                return cls(
                    saved["state"],
                    {n[4:]: saved[n].tobytes() for n in saved.files if n.startswith("log_")},
                    {n[8:]: saved[n] for n in saved.files if n.startswith("auditor_")},
                    facts.pop("base"),
                    facts,
                )
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"{path}: unreadable ({error}); delete it to start the run again") from None


def state_of(core: Core) -> npt.NDArray[np.uint8]:
    """Return a copy of the state bytes, the mind's behind the core's."""
    own = core.view(np.uint8).reshape(-1)[:STATE_BYTES]
    mind = mind_of(core)
    return own.copy() if mind is None else np.concatenate([own, mind.state()])


def restore(core: Core, state: npt.NDArray[np.uint8]) -> None:
    """Put state bytes back. The addresses of compiled strategies and of the mind are this process's own and stay.

    Raises InputError when the state has another layout.
    """
    mind = mind_of(core)
    if len(state) < STATE_BYTES or (mind is None) != (len(state) == STATE_BYTES):
        raise InputError(
            "checkpoint: made by another version of the runtime, or one of both has an understanding loop; "
            "delete it to start the run again"
        )
    addresses = np.array(part(core, "policies")["address"])
    of_mind = [int(part(core, "loop")[0][name]) for name in MIND_ADDRESSES]
    core.view(np.uint8).reshape(-1)[:STATE_BYTES] = state[:STATE_BYTES]
    part(core, "policies")["address"] = addresses
    for name, address in zip(MIND_ADDRESSES, of_mind, strict=True):
        part(core, "loop")[name] = address
    if mind is not None:
        mind.restore(state[STATE_BYTES:])
