"""Load a user's strategy from one file and name its bytes."""

import hashlib
import importlib.util
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import rfc8785

from alphatrade_runtime.plugin.contract import PluginError, SignalSpec, declared

MAX_BYTES = 256 * 1024
_PACKAGE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class LoadedPlugin:
    """A strategy file as imported: where it lies, the digest of its bytes, the signals that it declares."""

    path: Path
    digest: str
    signals: tuple[SignalSpec, ...]


def digest_of(path: Path) -> str:
    """Return `sha256:<hex>` of the JCS object {file name: SHA-256 of its bytes}."""
    return "sha256:" + hashlib.sha256(rfc8785.dumps({path.name: hashlib.sha256(_bytes(path)).hexdigest()})).hexdigest()


def load(path: Path, pinned: str | None = None) -> LoadedPlugin:
    """Import a strategy file, or the only one of a folder.

    Raises PluginError: no such file, too large, another digest, no signal, its own error.
    """
    path = _file_of(path)
    digest = digest_of(path)
    if pinned is not None and pinned != digest:
        raise PluginError(f"{path}: PluginDigestMismatch: the file is {digest}, pinned is {pinned}; pin it again")
    module = _import(path.resolve(), digest)
    signals = tuple(spec for spec in declared().values() if spec.path == Path(str(module.__file__)))
    if not signals:
        raise PluginError(f"{path}: declares no strategy; decorate a function with @signal or @quote")
    return LoadedPlugin(path, digest, signals)


def _file_of(path: Path) -> Path:
    """Return the only Python file of a folder, which is what an image brings along; a file stays as it is."""
    if not path.is_dir():
        return path
    files = sorted(path.glob("*.py"))
    if len(files) != 1:
        found = ", ".join(file.name for file in files) or "none"
        raise PluginError(f"{path}: holds {found}; put exactly one Python file there")
    return files[0]


def _bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PluginError(f"{path}: cannot be read ({error.strerror}); give the path of a Python file") from None
    if len(data) > MAX_BYTES:
        raise PluginError(f"{path}: {len(data)} bytes; a strategy file holds at most {MAX_BYTES}")
    return data


def _import(path: Path, digest: str) -> ModuleType:
    if path.is_relative_to(_PACKAGE):  # a built-in: one file must not be two modules, numba's cache knows the file
        return importlib.import_module(".".join(path.relative_to(_PACKAGE.parent).with_suffix("").parts))
    # the digest is in the name so that an edited file is another module, never a stale one
    name = f"alphatrade_plugin_{re.sub(r'[^0-9A-Za-z_]', '_', path.stem)}_{digest[7:19]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginError(f"{path}: is no Python file; give one that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except PluginError as error:
        del sys.modules[name]
        raise PluginError(f"{path}: {error}") from error
    except Exception as error:  # the file's own code may raise anything
        del sys.modules[name]
        raise PluginError(f"{path}: fails on import: {type(error).__name__}: {error}") from error
    return module
