"""Keep a permit to explore: asked for beside the trading loop, ended by this pod's own monotonic clock.

A permit holds from when it was *sent* for, and nothing of it is kept: a pod that starts has none. What the operator
refuses ends at once; what it does not answer ends with the permit before.
"""

import threading
import time
from collections.abc import Callable

import grpc

from alphatrade.config import Endpoint
from alphatrade.mtls import Certificates
from alphatrade.v1.permits_pb2 import RenewPermitRequest, RenewPermitResponse
from alphatrade.v1.permits_pb2_grpc import PermitsStub
from alphatrade_runtime.loop.permit import Permit
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.service.control.epoch import EpochFile, EpochRefused
from alphatrade_runtime.service.transport.link import Link

RENEWALS = 3  # in the time that a permit holds
RETRY_S, SOONEST_S = 3.0, 0.5  # after no answer, or one that permits nothing
DEADLINE_S = 2.0
MOST_TTL_NS = 600_000_000_000
_WHOLE_BPS = 10_000
NOT_ASKED, UNANSWERED, REPLACED, BAD_ANSWER, EXPIRED = (
    "NotAsked", "OperatorUnreachable", "OperatorReplaced", "BadAnswer", "PermitExpired",
)  # fmt: skip


class Unanswered(Exception):
    """The operator could not be asked."""


Ask = Callable[[int], RenewPermitResponse]


class PermitKeeper:
    """The permit of one pod. ask: calls the operator with our epoch, or raises Unanswered.

    epochs: of operators, as RuntimeControl keeps them.  wake: called from the thread when `held` is another.
    """

    def __init__(
        self,
        ask: Ask,
        epochs: EpochFile,
        mono_ns: Callable[[], int] = time.monotonic_ns,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._ask, self._epochs, self._mono_ns, self._wake = ask, epochs, mono_ns, wake
        self._permit, self._why = Permit(0, 0, 0), NOT_ASKED
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="permits", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def close(self) -> None:
        """Ask no more."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(DEADLINE_S)

    def held(self) -> Permit:
        """Return the permit that holds now, for any thread; one of no share when there is none."""
        permit = self._permit
        return permit if self._holds(permit) else Permit(0, 0, permit.epoch)

    @property
    def why_not(self) -> str:
        """Why there is no permit now, as a PascalCase reason; empty with one."""
        permit, why = self._permit, self._why
        if self._holds(permit):
            return ""
        return EXPIRED if permit.share_bps > 0 and not why else why

    def renew(self) -> float:
        """Ask once; return the seconds until the next time."""
        sent_ns, asked = self._mono_ns(), self._epochs.highest
        try:
            answer = self._ask(asked)
            if answer.epoch > asked:
                self._epochs.admit(answer.epoch)
                sent_ns, asked = self._mono_ns(), self._epochs.highest
                answer = self._ask(asked)
        except Unanswered:
            return self._leave(UNANSWERED)
        except (EpochRefused, InputError):
            return self._end("EpochUnknown", asked)
        if answer.epoch != asked or asked < self._epochs.highest:
            return self._leave(REPLACED)  # of an operator of the past, or of one that came between
        if answer.frozen_reason or answer.share_bps == 0:
            return self._end(answer.frozen_reason or BAD_ANSWER, asked)
        return self._take(answer, sent_ns)

    def _take(self, answer: RenewPermitResponse, sent_ns: int) -> float:
        ttl_ns = answer.ttl.ToNanoseconds()
        if not 0 < ttl_ns <= MOST_TTL_NS or answer.share_bps > _WHOLE_BPS:
            return self._end(BAD_ANSWER, answer.epoch)
        self._put(Permit(answer.share_bps, sent_ns + ttl_ns, answer.epoch), "")
        return max(ttl_ns / RENEWALS - (self._mono_ns() - sent_ns), 0.0) / 1e9

    def _end(self, why: str, epoch: int) -> float:
        """Let the permit go at once."""
        self._put(Permit(0, 0, epoch), why)
        return RETRY_S

    def _leave(self, why: str) -> float:
        """Let the permit go on until its end; towards that end it is asked for more often."""
        self._why = why
        left_s = (self._permit.until_ns - self._mono_ns()) / 1e9
        return min(max(left_s / RENEWALS, SOONEST_S), RETRY_S) if left_s > 0.0 else RETRY_S

    def _put(self, permit: Permit, why: str) -> None:
        self._permit, self._why = permit, why
        self._wake()

    def _holds(self, permit: Permit) -> bool:
        return permit.share_bps > 0 and self._mono_ns() < permit.until_ns

    def _work(self) -> None:
        wait_s = 0.0
        while not self._stop.wait(wait_s):
            wait_s = self.renew()


def asks(endpoint: Endpoint, certificates: Certificates) -> tuple[Ask, Callable[[], None]]:
    """Return what asks the operator at an endpoint, and what lets its channel go."""
    link = Link(endpoint.target, endpoint.identity, certificates)

    def ask(epoch: int) -> RenewPermitResponse:
        try:
            stub = PermitsStub(link.channel())
            return stub.RenewPermit(RenewPermitRequest(epoch=epoch), timeout=DEADLINE_S)
        except (grpc.RpcError, ValueError) as error:  # ValueError: a channel that was let go of
            raise Unanswered(str(error)) from None

    return ask, link.close
