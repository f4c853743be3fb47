"""Pin what makes the same program give other bits on another host.

Each setting here was seen to change results or machine code between hosts; they must be
in place before numpy and numba are imported, so this module imports neither.
"""

import hashlib
import os
import sys
from pathlib import Path

TARGET_CPU = "x86-64-v3"
_TARGET_FEATURES = (
    "+avx,+avx2,+bmi,+bmi2,+cx16,+f16c,+fma,+fxsr,+lzcnt,+mmx,+movbe,+popcnt,+sahf,"
    "+sse,+sse2,+sse3,+sse4.1,+sse4.2,+ssse3,+xsave"
)
_NUMPY_DISPATCH_OFF = "X86_V4 AVX512_ICL AVX512_SPR"

_PINNED = {
    "NUMBA_CPU_NAME": TARGET_CPU,
    "NUMBA_CPU_FEATURES": _TARGET_FEATURES,
    "NUMBA_DISABLE_INTEL_SVML": "1",
    "OPENBLAS_CORETYPE": "Haswell",
}


def apply() -> None:
    """Set the pins in this process and keep numba's cache apart for each state of the code.

    numba does not notice a changed callee of a cached caller, so the cache folder carries
    the digest of the sources.
    """
    os.environ.update(_PINNED)
    if "numpy" not in sys.modules:
        os.environ.setdefault("NPY_DISABLE_CPU_FEATURES", _NUMPY_DISPATCH_OFF)
    if "NUMBA_CACHE_DIR" not in os.environ:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        os.environ["NUMBA_CACHE_DIR"] = os.path.join(base, "alphatrade", "numba", source_digest()[:16])


def source_digest() -> str:
    """SHA-256 over the runtime's Python sources: relative path and bytes, sorted by path."""
    root = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
