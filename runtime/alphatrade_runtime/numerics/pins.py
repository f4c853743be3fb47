"""Pin what makes the same program give other bits on another host.

Each setting here was seen to change results or machine code between hosts; they must be
in place before numpy and numba are imported, so this module imports neither.
"""

import hashlib
import os
import re
import shutil
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
    the digest of every source that compiled code can depend on.
    """
    os.environ.update(_PINNED)
    if "numpy" not in sys.modules:
        os.environ.setdefault("NPY_DISABLE_CPU_FEATURES", _NUMPY_DISPATCH_OFF)
    if "NUMBA_CACHE_DIR" not in os.environ:
        os.environ["NUMBA_CACHE_DIR"] = str(_cache_folder())


def _cache_folder() -> Path:
    """Return this code's cache folder, first filled from what an image brought along, where it did.

    A copy, as numba writes to its folder even when it finds all in it; a pod's own is empty and an image read-only.
    """
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folder = Path(base, "alphatrade", "numba", kernel_digest()[:16])
    baked = Path(os.environ.get("ALPHATRADE_BAKED", os.devnull), folder.name)
    if baked.is_dir() and not folder.exists():
        partial = folder.with_name(f"{folder.name}.partial-{os.getpid()}")
        shutil.copytree(baked, partial, copy_function=shutil.copyfile)
        try:
            partial.rename(folder)
        except OSError:  # another process was faster
            shutil.rmtree(partial)
    return folder


_ROOT = Path(__file__).resolve().parent.parent
_IMPORT = re.compile(rb"^\s*(?:from|import) (alphatrade_runtime[\w.]*)(?: import \(?([\w, \n]*))?", re.MULTILINE)
_COMPILED = b"numerics.jit import"


def source_digest() -> str:
    """SHA-256 over the runtime's Python sources: relative path and bytes, sorted by path."""
    return _digest(sorted(_ROOT.rglob("*.py")))


def kernel_digest() -> str:
    """SHA-256 over the sources of compiled functions and of all that they import, directly or not."""
    todo = [path for path in sorted(_ROOT.rglob("*.py")) if _COMPILED in path.read_bytes()]
    seen: set[Path] = set()
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            todo += _imported(path)
    return _digest(sorted(seen))


def _imported(path: Path) -> list[Path]:
    found = []
    for module, names in _IMPORT.findall(path.read_bytes()):
        base = _ROOT.parent / module.decode().replace(".", "/")
        candidates = [
            base,
            *(base / name.strip() for name in names.decode().replace("\n", " ").split(",") if name.strip()),
        ]
        found += [f for c in candidates for f in (c.with_suffix(".py"), c / "__init__.py") if f.is_file()]
    return found


def _digest(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.relative_to(_ROOT).as_posix().encode())
        digest.update(b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
