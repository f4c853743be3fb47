"""Feature flags that the installed operator lets strategies have on, for as long as a story needs them."""

from collections.abc import Iterator
from contextlib import contextmanager

from cluster.kubectl import Kube
from kube_fixtures import CHARTS, SYSTEM_NAMESPACE


@contextmanager
def allowed(kube: Kube, *flags: str) -> Iterator[None]:
    """Raise the ceilings of some feature flags; afterwards they are where the chart has them again."""
    _set(kube, flags, "true")
    try:
        yield
    finally:
        _set(kube, flags, "false")


def _set(kube: Kube, flags: tuple[str, ...], value: str) -> None:
    words = ("upgrade", "alphatrade", CHARTS / "alphatrade", "-n", SYSTEM_NAMESPACE, "--reuse-values")
    values = ",".join(f"operator.featureFlagCeilings.{flag}={value}" for flag in flags)
    kube.helm(*words, "--set", values, "--wait", "--timeout", "120s")
