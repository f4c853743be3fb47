"""Make the virtual environment from the lock file: `python3 build_support/bootstrap.py dev`.

Run by every make target with the machine's own python3, so it uses only the standard library
and syntax that old Pythons read: they must get as far as the line that says they are too old.
A stamp with a digest of everything that went in makes the next run instant; the folder may be
moved, a lock may change, an install may be cut off: the stamp then differs and pip runs again.
"""

import argparse
import fcntl
import hashlib
import importlib.util
import os
import subprocess
import sys

OLDEST = (3, 11)
PROFILES = ("runtime", "dev")  # dev holds everything that runtime does
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def machine_fault(version, has_module):
    """Name what this Python lacks and what to do, in one line; None when it can make the environment.

    version: (major, minor).  has_module: callable, name of a module -> bool.
    """
    if tuple(version) < OLDEST:
        need = "python3 here is {}.{}; AlphaTrade needs {}.{} or newer".format(*tuple(version) + OLDEST)
        return need + ": install one and say `make PYTHON=/path/to/python3.11 ...`"
    missing = [name for name in ("venv", "ensurepip") if not has_module(name)]
    if missing:
        lacks = "python3 here has no {}".format(" and no ".join(missing))
        return lacks + ": install it with `apt-get install python3-venv` (Debian, Ubuntu) and run make again"
    return None


def has_module(name):
    """Tell whether a module can be found, without importing it."""
    return importlib.util.find_spec(name) is not None


def lock_path(profile):
    """Return the lock file of a profile."""
    return os.path.join(ROOT, "requirements", profile + ".lock")


def wanted_stamp(profile):
    """Digest all that decides what the environment holds; the folder counts, as the install is editable."""
    digest = hashlib.sha256(ROOT.encode())
    for path in (lock_path(profile), os.path.join(ROOT, "pyproject.toml"), os.path.abspath(__file__)):
        with open(path, "rb") as file:
            digest.update(hashlib.sha256(file.read()).digest())
    return digest.hexdigest()


def stamp_path(venv, profile):
    """Return where the stamp of a profile is kept."""
    return os.path.join(venv, profile + ".stamp")


def is_ready(venv, profile):
    """Tell whether the environment was made from what is here now."""
    try:
        with open(stamp_path(venv, profile)) as file:
            return file.read() == wanted_stamp(profile) and runs(venv)
    except FileNotFoundError:
        return False


def python_of(venv):
    """Return the environment's interpreter."""
    return os.path.join(venv, "bin", "python")


def runs(venv):
    """Tell whether the environment's interpreter exists; a dangling link (Python upgraded away) does not."""
    return os.path.exists(python_of(venv))


def has_pip(venv):
    """Tell whether an environment found on disk can be taken over: new enough, and with pip."""
    probe = "import sys, pip; sys.exit(sys.version_info[:2] < {!r})".format(OLDEST)
    return runs(venv) and subprocess.call([python_of(venv), "-I", "-c", probe], stderr=subprocess.DEVNULL) == 0


def say(text):
    """Tell progress on the error stream, which make targets leave to it."""
    sys.stderr.write("bootstrap: {}\n".format(text))
    sys.stderr.flush()


def pip_install(venv, *arguments):
    """Run pip in isolation from the folder and the user's site; its settings (mirrors, wheels) hold."""
    environment = dict(os.environ, PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_USER="0", PIP_REQUIRE_VIRTUALENV="0")
    environment["PYTHONWARNINGS"] = "ignore"  # setuptools warns of every editable install
    command = [python_of(venv), "-I", "-m", "pip", "install", "--quiet", "--no-input"]
    subprocess.check_call(command + list(arguments), env=environment, stdin=subprocess.DEVNULL)


def make(venv, profile):
    """Create or take over the environment and fill it from the lock; the stamps are written last."""
    if not has_pip(venv):
        say("making {}".format(venv))
        subprocess.check_call([sys.executable, "-I", "-m", "venv", "--clear", venv])
    say("installing what requirements/{}.lock names (a few hundred MB the first time)".format(profile))
    pip_install(venv, "--require-hashes", "-r", lock_path(profile))
    pip_install(venv, "--no-deps", "--no-build-isolation", "--editable", ROOT)
    for made in PROFILES[: PROFILES.index(profile) + 1]:
        partial = stamp_path(venv, made) + ".partial-{}".format(os.getpid())
        with open(partial, "w") as file:
            file.write(wanted_stamp(made))
        os.replace(partial, stamp_path(venv, made))
    say("ready: {}".format(venv))


def main():
    """Make the environment of one profile ready; return the exit code."""
    parser = argparse.ArgumentParser(description="Make the virtual environment from the lock file.")
    parser.add_argument("profile", choices=PROFILES)
    parser.add_argument("--venv", default=os.path.join(ROOT, ".venv"))
    asked = parser.parse_args()
    venv = os.path.abspath(asked.venv)
    if is_ready(venv, asked.profile):
        return 0
    fault = machine_fault(sys.version_info[:2], has_module)
    if fault and not has_pip(venv):
        sys.stderr.write("bootstrap: {}\n".format(fault))
        return 2
    folder = os.open(os.path.join(ROOT, "requirements"), os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)  # two makes at once wait for each other; freed when this process ends
    try:
        if not is_ready(venv, asked.profile):
            make(venv, asked.profile)
    except subprocess.CalledProcessError as error:
        say("failed with exit code {}; the lines above say why. Run make again to go on.".format(error.returncode))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
