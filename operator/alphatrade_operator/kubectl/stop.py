"""Apply a KillSwitch and wait until everyone has obeyed: the reads, the waiting and the printing of `halt`."""

import json
import sys
import time
from collections.abc import Callable, Sequence

from alphatrade_operator.kubectl.evidence import OPERATOR, Target, not_there
from alphatrade_operator.kubectl.kubectl import Kubectl, KubectlError, ours
from alphatrade_operator.kubectl.objects import read_kill_switch, read_object, read_strategy
from alphatrade_operator.kubectl.switch import Answer, Order, answer, verdict

POLL_S = 0.5


def ask(
    kubectl: Kubectl,
    name: str | None,
    cluster: bool,
    mode: str,
    reason: str,
    where: Sequence[str],
    slippage_bps: int | None,
) -> Order:
    """Return what is ordered, once it is known to mean something. Raises KubectlError."""
    if cluster:
        return Order(None, True, mode, reason, where[1] if where else operator_namespace(kubectl), slippage_bps)
    if name is not None and kubectl.find(ours("strategies"), name, where) is None:
        raise not_there(kubectl, Target("strategies", name), where)
    return Order(name, False, mode, reason, kubectl.namespace(where), slippage_bps)


def operator_namespace(kubectl: Kubectl) -> str:
    """Return the namespace of the operator's Deployment. Raises KubectlError when it cannot be found out."""
    try:
        found = kubectl.all("deployments", ("-A",), "-l", OPERATOR)
    except KubectlError as error:
        raise KubectlError(f"the operator's namespace is not known: {error}; say -n NAMESPACE") from None
    if not found:
        raise KubectlError("no operator is installed here; if it only is not seen, say -n ITS-NAMESPACE")
    return read_object(found[0]).metadata.namespace


def stop(
    kubectl: Kubectl,
    order: Order,
    timeout_s: float,
    dry_run: bool,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> int:
    """Apply it and wait for acknowledgements; return the exit code: 0 when everyone has obeyed."""
    if dry_run:
        print(json.dumps(order.manifest(), indent=2))
        return 0
    print(f"KillSwitch {order.namespace}/{order.name}: {kubectl.apply(order.manifest())}", flush=True)
    deadline, said = clock() + timeout_s, ""
    while True:
        found = _answer(kubectl, order)
        if found.line() != said:
            said = found.line()
            print(said, file=sys.stderr, flush=True)
        if found.complete or found.refused or clock() >= deadline:
            break
        pause(POLL_S)
    lines, code = verdict(order, found, timeout_s)
    print("\n".join(lines))
    return code


def _answer(kubectl: Kubectl, order: Order) -> Answer:
    where = ("-n", order.namespace)
    switch = kubectl.find(ours("killswitches"), order.name, where)
    if switch is None:
        raise KubectlError(f"KillSwitch {order.namespace}/{order.name} is gone; somebody deleted it")
    strategies = kubectl.all(ours("strategies"), ("-A",) if order.cluster else where)
    return answer(read_kill_switch(switch), [read_strategy(one) for one in strategies])
