"""A gateway on loopback with certificates, over a tape in memory; and clients of it."""

import json
import time
from contextlib import contextmanager

import numpy as np

from alphatrade.config import BrokerConfig, Client, Endpoint, Owner, to_json
from alphatrade.mtls import Certificates
from alphatrade_runtime.loop.build import instrument_of
from alphatrade_runtime.loop.live_clock import ClockFacts, Clocks
from alphatrade_runtime.market.schema import Rows
from alphatrade_runtime.policy.document import parse_session
from alphatrade_runtime.service.broker.client import GrpcBroker, GrpcSteppedBroker
from alphatrade_runtime.service.broker.config import parse
from alphatrade_runtime.service.broker.gateway import Gateway
from alphatrade_runtime.service.broker.service import broker_service
from alphatrade_runtime.service.feed.facts import Facts
from alphatrade_runtime.service.feed.inbox import Batch
from alphatrade_runtime.service.transport.server import serve_grpc
from certificates import identity_of
from unit.execution.stepped_runs import has_depth

DIGEST = "sha256:" + "d" * 64
HASH = "ab" * 32
OTHER_HASH = "cd" * 32
BROKER = identity_of("broker", "paper")
STRATEGY = identity_of("strategy", "alpha", uid="11111111-0000-4000-8000-000000000000")
SECOND = identity_of("strategy", "beta", uid="22222222-0000-4000-8000-000000000000")
STRANGER = identity_of("strategy", "gamma", uid="33333333-0000-4000-8000-000000000000")
FEED = Endpoint(target="feed.invalid:7443", identity=identity_of("feed", "tape"))


class TapeFeed:
    """A feed in the venue's order of time. stream: on the stream's clock, else by a clock that started at wall_ns."""

    def __init__(self, rows: Rows, session, *, stream, size=500, digest=DIGEST, silent=False, wall_ns=0):
        self.rows, self.size, self.at, self.number = rows, size, 0, 0
        self.times = np.maximum.accumulate(rows.ts_event_ns)
        self.closed, self.acknowledged = False, 0
        self._facts = None if silent else Facts(
            digest=digest, first_ts_ns=int(rows.ts_init_ns[0]), last_ts_ns=int(rows.ts_init_ns[-1]),
            pace="Stream" if stream else "Realtime", speed=0 if stream else 1,
            wall_start_ns=0 if stream else wall_ns or time.time_ns(),
            instruments=[instrument_of(t) for t in session.policy.envelope.instruments], depth=has_depth(rows),
            simulated=True, next_seq=1,
        )  # fmt: skip

    @property
    def ended(self):
        return self.at >= len(self.times)

    def facts(self, timeout_s=0.0):
        return self._facts

    def take(self, timeout_s):
        if self.ended:
            return None
        stop = min(self.at + self.size, len(self.times))
        span, due = self.rows.slice(self.at, stop), self.times[self.at : stop]
        self.at, self.number = stop, self.number + 1
        through = int(self.times[stop]) - 1 if stop < len(self.times) else int(due[-1])
        return Batch(self.number, span, due, through)

    def acknowledge(self, number):
        self.acknowledged = number

    def poll(self, now_ns, most=1 << 62):
        stop = int(np.searchsorted(self.times, now_ns, side="right"))
        span, self.at = self.rows.slice(self.at, max(stop, self.at)), max(stop, self.at)
        return [span] if len(span.seq) else []

    def next_due_ns(self):
        return 1 << 62 if self.ended else int(self.times[self.at])

    def skip(self, until_ns):
        return sum(len(span.seq) for span in self.poll(until_ns)), []

    def close(self):
        self.closed = True


def paper(document):
    return {**document, "policy": {**document["policy"], "mode": "Paper", "stage": "Paper"}}


def config_of(document, *, law=None, clients=None, identities=(STRATEGY, SECOND), **more):
    """A configuration as the operator renders it: the account's law is the strategies' own envelope."""
    document = paper(document)
    listed = [
        Client(identity=identity, session=document, feed=FEED, policy_hashes=[HASH])
        for identity in identities
    ] if clients is None else clients  # fmt: skip
    return to_json(
        BrokerConfig(
            owner=Owner(namespace="desk", name="paper", uid="u"),
            identity=BROKER,
            environment="Paper",
            exchange=more.pop("exchange", document["exchange"]),
            initial_cash=more.pop("cash", "1000000"),
            currency="USD",
            law=document["policy"]["envelope"] if law is None else law or None,
            clients=listed,
            **more,
        )
    )


class Desk:
    """A running gateway. feed: what a client's feed is, by a call."""

    def __init__(self, folder, issue, document, rows, *, stream=True, config=None, size=500, feed=None):
        self.folder, self.issue, self.document, self.rows, self.stream = folder, issue, paper(document), rows, stream
        self.feeds: list[TapeFeed] = []
        self.wall_ns = time.time_ns()
        self._size, self._feed = size, feed
        self.config = config or config_of(document)
        self.certificates = Certificates(issue(BROKER))
        self.start()

    def start(self, port=0):
        self.gateway = Gateway(
            parse(self.config, "config"), self.config, self.folder, self.open_feed, Clocks(), "code"
        )  # fmt: skip
        self.server = serve_grpc(f"127.0.0.1:{port}", self.certificates, [broker_service(self.gateway.sessions)])
        self.port = self.server.port

    def open_feed(self, endpoint, session, arrived):
        made = self._feed(session) if self._feed else TapeFeed(
            self.rows, session, stream=self.stream, size=self._size, wall_ns=self.wall_ns
        )  # fmt: skip
        self.feeds.append(made)
        return made

    def stop(self):
        self.gateway.stop()
        self.server.stop(1.0)
        self.gateway.close()

    def restart(self):
        """End the gateway in order and start it again at the same port."""
        self.stop()
        self.start(self.port)

    @property
    def endpoint(self):
        return Endpoint(target=f"127.0.0.1:{self.port}", identity=BROKER)

    def certificates_of(self, identity):
        return Certificates(self.issue(identity))

    def stepped(self, identity=STRATEGY, policy_hash=HASH, digest=DIGEST, **more):
        return GrpcSteppedBroker(self.endpoint, self.certificates_of(identity), policy_hash, digest, **more)

    def live(self, identity=STRATEGY, policy_hash=HASH, **more):
        return GrpcBroker(self.endpoint, self.certificates_of(identity), policy_hash, **more)

    def clock(self):
        return ClockFacts(int(self.rows.ts_init_ns[0]), self.wall_ns, 1)

    def facts(self, digest=DIGEST):
        return {"clock": self.clock().to_mapping(), "feed_digest": digest, "looped": False}

    def now_ns(self):
        return int(self.rows.ts_init_ns[0]) + time.time_ns() - self.wall_ns


@contextmanager
def serving(*args, **kwargs):
    desk = Desk(*args, **kwargs)
    try:
        yield desk
    finally:
        desk.stop()


def session_of(document):
    return parse_session(json.loads(json.dumps(paper(document))))
