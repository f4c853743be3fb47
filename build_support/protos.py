"""Compile protos/ to Python, lint them, and hold them compatible with the last release.

Without options the stubs are written; `--check` only tells whether they are current; `--lint` runs buf;
`--release VERSION` keeps what the contracts are now as what later ones are held to.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
RELEASED = "released"
_STUBS = ("*_pb2.py", "*_pb2.pyi", "*_pb2_grpc.py", "*_pb2_grpc.pyi")
_OUTPUTS = ("python", "grpc_python", "mypy", "mypy_grpc")


class ProtoFault(RuntimeError):
    """A tool that refused the protos, with what it said."""


def compile_protos(check: bool, protos: Path = PROTOS) -> list[str]:
    """Compile; return the stubs that are not current, as paths under `protos`. Without `check` they are then written.

    Raises ProtoFault when a proto does not compile.
    """
    current = _stubs(protos)
    wanted = compiled(protos)
    stale = sorted(name for name in current.keys() | wanted.keys() if current.get(name) != wanted.get(name))
    for name in [] if check else stale:
        if name in wanted:
            (protos / name).write_bytes(wanted[name])
        else:
            (protos / name).unlink()
    return stale


def compiled(protos: Path) -> dict[str, bytes]:
    """Return the stubs of all protos by path. Raises ProtoFault."""
    sources = sorted(path.relative_to(protos).as_posix() for path in protos.rglob("*.proto"))
    with tempfile.TemporaryDirectory() as folder:
        outputs = [f"--{name}_out={folder}" for name in _OUTPUTS]
        _run([sys.executable, "-m", "grpc_tools.protoc", "-I.", *outputs, *sources], protos)
        return _stubs(Path(folder))


def lint(protos: Path = PROTOS) -> None:
    """Hold the protos to their style and to every release kept. Raises ProtoFault with what is wrong."""
    _run(["buf", "lint"], protos)
    for release in releases(protos):
        _run(["buf", "breaking", "--against", release.relative_to(protos).as_posix()], protos)


def releases(protos: Path = PROTOS) -> list[Path]:
    """Return the images of the releases, by name."""
    return sorted((protos / RELEASED).glob("*.binpb"))


def release(version: str, protos: Path = PROTOS) -> Path:
    """Keep the contracts of now under a version's name; return the file. Raises ProtoFault."""
    path = protos / RELEASED / f"v{version}.binpb"
    path.parent.mkdir(exist_ok=True)
    _run(["buf", "build", "--exclude-source-info", "-o", path.relative_to(protos).as_posix()], protos)
    return path


def _stubs(folder: Path) -> dict[str, bytes]:
    found = [path for pattern in _STUBS for path in folder.rglob(pattern)]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def _run(command: list[str], folder: Path) -> None:
    """Run a tool of this environment. Raises ProtoFault with its first lines when it refuses."""
    tools = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ.get('PATH', '')}"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise ProtoFault(f"{' '.join(command[:3])}: " + "\n".join(said[:20]))


def main(arguments: list[str] | None = None) -> int:
    """Do what the options say; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when a stub is not current")
    parser.add_argument("--lint", action="store_true", help="run buf's lint and its comparison with the releases")
    parser.add_argument("--release", metavar="VERSION", help="keep the contracts as those of a release")
    given = parser.parse_args(arguments)
    try:
        return _done(given)
    except ProtoFault as fault:
        print(f"protos: {fault}", file=sys.stderr)
        return 1


def _done(given: argparse.Namespace) -> int:
    if given.release:
        print(f"protos: wrote {release(given.release).relative_to(ROOT)}")
        return 0
    if given.lint:
        lint()
        return 0
    stale = compile_protos(given.check)
    for name in stale:
        print(f"protos: {name} is not current: run `make generate`" if given.check else f"protos: wrote {name}")
    return 1 if given.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
