"""Install the peers from the package registry, each into an environment of its own outside the repository."""

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

REQUIREMENTS = Path(__file__).parent / "requirements"
PEERS = tuple(sorted(path.stem for path in REQUIREMENTS.glob("*.txt")))


class PeerMissing(RuntimeError):
    """A peer that could not be installed: without it there is nothing to compare with."""


def cache() -> Path:
    """Return the folder that holds the peers' environments."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "alphatrade" / "bench"


def python_of(peer: str) -> Path:
    """Return the peer's interpreter, installing its pinned requirements first when they are not there."""
    folder = cache() / peer
    python = folder / "bin" / "python"
    wanted = _fingerprint(peer)
    done = folder / "installed"
    if not (python.exists() and done.exists() and done.read_text() == wanted):
        _install(peer, folder, python)
        done.write_text(wanted)
    return python


def _fingerprint(peer: str) -> str:
    pins = (REQUIREMENTS / f"{peer}.txt").read_bytes()
    return f"{hashlib.sha256(pins).hexdigest()} {sys.version_info.major}.{sys.version_info.minor}"


def _install(peer: str, folder: Path, python: Path) -> None:
    venv.create(folder, clear=True, with_pip=True)
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]
    result = subprocess.run([*command, str(REQUIREMENTS / f"{peer}.txt")], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        reason = (result.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
        raise PeerMissing(f"{peer}: could not be installed: {reason}")


if __name__ == "__main__":
    for name in sys.argv[1:] or PEERS:
        print(name, python_of(name).exists())
