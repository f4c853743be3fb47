"""Compile everything that a pod runs, into the cache that an image carries: `python -m alphatrade_runtime.cli.bake`.

A pod that had to compile would take a minute to start. Each step here is what a pod does first, on a market of half a
minute: the tape of a simulator feed, a replay, the wall-clock loop with its exchange, every built-in signal; then a
replay with all of the understanding loop on.
"""

import tempfile
from pathlib import Path

from numba.core.annotations.type_annotations import TypeAnnotation

from alphatrade_runtime.cli.feeds import open_tape
from alphatrade_runtime.cli.session import Plan, read_plan
from alphatrade_runtime.loop.live_clock import ClockFacts
from alphatrade_runtime.loop.live_session import new_live_core
from alphatrade_runtime.loop.live_warm import warm_up
from alphatrade_runtime.loop.stream_warm import warm_up_stream
from alphatrade_runtime.plugin.compile import address_of
from alphatrade_runtime.plugin.contract import declared
from alphatrade_runtime.service.broker.warm import warm_up as warm_up_gateway
from alphatrade_runtime.service.decide.service import warm_up as warm_up_decide

DOCUMENT = Path(__file__).with_name("bake.yaml")
THINKING = Path(__file__).with_name("bake_mind.yaml")


def main() -> None:
    """Fill NUMBA_CACHE_DIR, with the same bytes whenever it is made from the same sources."""
    TypeAnnotation.__str__ = _without_addresses
    plan = read_plan(DOCUMENT)
    replayed(plan)
    replayed(read_plan(THINKING))
    warm_up(plan.session, new_live_core(plan.session, ClockFacts(0, 0, 1)))
    warm_up_stream(plan.session)
    warm_up_gateway(plan.session.exchange)
    warm_up_decide(plan.session)
    for _, spec in sorted(declared().items()):
        address_of(spec)


def replayed(plan: Plan) -> None:
    """Simulate the market and trade it, as a feed gateway and a strategy runtime above Realtime do."""
    with tempfile.TemporaryDirectory() as folder:
        plan.engine().replay(open_tape(plan, Path(folder)))


def _without_addresses(annotation: TypeAnnotation) -> str:
    """Stand in for what numba keeps for a debugger's eyes: it shows where objects lay in memory."""
    return ""


if __name__ == "__main__":
    main()
