"""Who may log on, with what, and what a message may hold: refused by name, counted, nothing taken."""

import time

import grpc
import numpy as np
import pytest

from alphatrade.config import Client
from alphatrade.v1 import broker_pb2, broker_pb2_grpc
from alphatrade.v1.broker_pb2 import Advance, Logon, Order, Orders, SessionClock, TradeRequest
from alphatrade_runtime.execution.broker.contract import BrokerLost
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.orders import Report
from alphatrade_runtime.policy.document import parse_session
from alphatrade_runtime.service.broker.config import Admitted, parse
from alphatrade_runtime.service.broker.refusal import Asked, refusal
from alphatrade_runtime.service.transport.link import Link
from certificates import Authority, identity_of
from unit.execution.account_stories import order as command
from unit.execution.stepped_runs import NEVER
from unit.risk.law_session import MID, START_NS, STEP_NS, TapeByHand, session, targets
from unit.service.broker.desk import (
    BROKER,
    DIGEST,
    FEED,
    HASH,
    OTHER_HASH,
    STRANGER,
    STRATEGY,
    TapeFeed,
    config_of,
    paper,
    serving,
)

DOCUMENT = session(targets((1, 1.0)), exchange={"cancel_on_disconnect": False})
ROWS = TapeByHand().quotes(200).rows()
STREAM = SessionClock(stream=True)


@pytest.fixture
def desk(tmp_path, issue):
    with serving(tmp_path / "data", issue, DOCUMENT, ROWS) as made:
        yield made


def order(number=1, at=10, **terms):
    given = {
        "ts_ns": START_NS + at * STEP_NS, "order_id": number, "price": MID + 1, "qty": 10, "instrument": 0,
        "command": 1, "side": 1, "tif": 0, **terms,
    }  # fmt: skip
    return Order(**given)


class Raw:
    """A stream of whatever is wanted."""

    def __init__(self, desk, identity=STRATEGY):
        self.link = Link(desk.endpoint.target, BROKER, desk.certificates_of(identity))
        self.stub = broker_pb2_grpc.BrokerStub(self.link.channel())

    def ask(self, *requests):
        """Send requests; return the responses and how it ended."""
        call = self.stub.Trade(iter(requests))
        got = []
        try:
            for response in call:
                got.append(response)
        except grpc.RpcError as error:
            self.link.close()
            return got, f"{error.code().name} {error.details()}"
        self.link.close()
        return got, "OK"


def logon(session_id="run-1", **more):
    given = {"policy_hash": HASH, "clock": STREAM, "feed_digest": DIGEST, **more}
    return TradeRequest(logon=Logon(session_id=session_id, **given))


def asked(**more):
    document = paper(DOCUMENT)
    client = Admitted(STRATEGY, parse_session(document), FEED, frozenset({HASH}))
    given: dict = {
        "identity": STRATEGY,
        "environment": "Paper",
        "client": client,
        "session_id": "run-1",
        "policy_hash": HASH,
    }
    given |= more
    return Asked(
        given["identity"], given["environment"], given["client"],
        Logon(session_id=given["session_id"], policy_hash=given["policy_hash"]),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({}, None),
        ({"environment": "Sandbox"}, None),
        ({"environment": "Live"}, "ModeNotFit"),
        ({"client": None}, "IdentityNotAdmitted"),
        ({"client": None, "identity": ""}, "IdentityNotAdmitted"),
        ({"client": Admitted(STRATEGY, None, FEED, frozenset({HASH}), "missing")}, "ClientConfigInvalid"),
        ({"client": Admitted(STRATEGY, parse_session(DOCUMENT), FEED, frozenset({HASH}))}, "ModeNotFit"),
        ({"client": Admitted(STRATEGY, parse_session(paper(DOCUMENT)), FEED, frozenset())}, "PolicyNotEntitled"),
        ({"policy_hash": OTHER_HASH}, "PolicyNotEntitled"),
        ({"policy_hash": ""}, "PolicyNotEntitled"),
        ({"session_id": ""}, "SessionNameInvalid"),
        ({"session_id": "../../etc"}, "SessionNameInvalid"),
        ({"session_id": "a/b"}, "SessionNameInvalid"),
        ({"session_id": "x" * 129}, "SessionNameInvalid"),
    ],
)  # fmt: skip
def test_the_checks_in_their_order(more, reason):
    found = refusal(asked(**more))
    assert (None if found is None else found.reason) == reason


@pytest.mark.parametrize(
    ("identity", "words"),
    [
        (STRANGER, "PERMISSION_DENIED IdentityNotAdmitted: "),
        (identity_of("operator", "operator"), "PERMISSION_DENIED /alphatrade.v1.Broker/Trade is for strategy"),
        (identity_of("broker", "other"), "PERMISSION_DENIED /alphatrade.v1.Broker/Trade is for strategy"),
    ],
)
def test_another_identity_than_a_client_of_the_account_is_refused(desk, identity, words):
    got, ended = Raw(desk, identity).ask(logon())
    assert got == []
    assert ended.startswith(words)


def test_no_certificate_and_a_foreign_one_do_not_get_in(desk, tmp_path):
    plain = grpc.insecure_channel(desk.endpoint.target)
    foreign = Authority.new()
    certificate, key = foreign.leaf(STRATEGY)
    for channel in (
        plain,
        grpc.secure_channel(
            desk.endpoint.target, grpc.ssl_channel_credentials(desk.certificates.current().authority, key, certificate)
        ),
    ):
        with pytest.raises(grpc.RpcError) as error:
            list(broker_pb2_grpc.BrokerStub(channel).Trade(iter([logon()]), timeout=5))
        assert error.value.code() is grpc.StatusCode.UNAVAILABLE
        channel.close()
    assert desk.gateway.sessions.all() == []


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"policy_hash": OTHER_HASH}, "PERMISSION_DENIED PolicyNotEntitled"),
        ({"feed_digest": "sha256:" + "0" * 64}, "FAILED_PRECONDITION FeedDiffers: the client's feed has digest"),
        ({"clock": SessionClock(origin_ns=1, wall_start_ns=1, speed=1)}, "FAILED_PRECONDITION ClockDiffers"),
        ({"after_report": 5}, "FAILED_PRECONDITION ReportsUnknown: exchange log has 0 reports"),
        ({"session_id": ".."}, "INVALID_ARGUMENT SessionNameInvalid"),
    ],
)
def test_a_logon_that_does_not_fit_is_refused_and_counted(desk, more, words):
    got, ended = Raw(desk).ask(logon(**more))
    assert got == []
    assert ended.startswith(words)
    reason = words.split()[1].rstrip(":")
    assert desk.gateway.status().broker.refused == {reason: 1}


def test_a_feed_that_is_not_there_holds_the_session_off(tmp_path, issue):
    def silent(session):
        return TapeFeed(ROWS, session, stream=True, silent=True)

    with serving(tmp_path, issue, DOCUMENT, ROWS, feed=silent) as desk:
        assert Raw(desk).ask(logon())[1].startswith("UNAVAILABLE FeedUnreachable: feed.invalid:7443")
        assert desk.feeds[0].closed


def test_the_first_request_is_a_logon(desk):
    assert Raw(desk).ask(TradeRequest(advance=Advance(through_ns=1)))[1].startswith("INVALID_ARGUMENT LogonMissing")
    assert Raw(desk).ask()[1].startswith("INVALID_ARGUMENT LogonMissing")


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"instrument": 1}, "instrument 1"),
        ({"instrument": 70_000}, "instrument 70000"),
        ({"command": 0}, "command 0"),
        ({"command": 9}, "command 9"),
        ({"side": 0}, "side 0"),
        ({"side": 7}, "side 7"),
        ({"tif": 5}, "tif 5"),
        ({"order_flags": 4}, "order_flags 4"),
        ({"purpose": 255}, "purpose 255"),
        ({"topology": 300}, "topology 300"),
        ({"order_id": 0}, "order_id 0"),
        ({"order_id": -1}, "order_id -1"),
        ({"ts_ns": -1}, "ts_ns -1"),
        ({"ts_ns": 2**63 - 1}, "ts_ns"),
    ],
)
def test_what_no_order_can_be_ends_the_stream_and_nothing_of_it_is_taken(desk, terms, field):
    orders = TradeRequest(orders=Orders(first=1, orders=[order(1), order(2, **terms)]))
    got, ended = Raw(desk).ask(logon(), orders)
    assert len(got) == 1
    assert ended.startswith(f"INVALID_ARGUMENT RequestInvalid: command 2: {field}")
    assert Raw(desk).ask(logon())[0][-1].logged_on.commands == 0


@pytest.mark.parametrize(
    "terms",
    [{"qty": 0}, {"qty": -1}, {"qty": 2**63 - 1}, {"price": 0}, {"price": -(2**63)}, {"price": 2**63 - 1}],
)
def test_absurd_prices_and_quantities_are_rejected_and_the_session_goes_on(desk, terms):
    orders = TradeRequest(orders=Orders(first=1, orders=[order(1, **terms), order(2)]))
    got, ended = Raw(desk).ask(logon(), orders, TradeRequest(advance=Advance(through_ns=START_NS + 20 * STEP_NS)))
    assert ended == "OK"
    told = [(r.order_id, Report(r.type).name, r.reason) for g in got for r in g.reports.reports]
    assert told[0] == (1, "REJECTED", 105)
    assert told[1][:2] == (2, "ACCEPTED")


def test_advance_has_no_place_in_real_time(tmp_path, issue):
    with serving(tmp_path, issue, DOCUMENT, ROWS, stream=False) as desk:
        clock = SessionClock(**desk.clock().to_mapping())
        got, ended = Raw(desk).ask(logon(clock=clock), TradeRequest(advance=Advance(through_ns=1)))
        assert ended.startswith("INVALID_ARGUMENT RequestInvalid: advance has no place here")
        assert got[-1].logged_on.simulated


def test_a_clock_of_ones_own_is_refused(tmp_path, issue):
    with serving(tmp_path, issue, DOCUMENT, ROWS, stream=False) as desk:
        facts = desk.clock().to_mapping()
        for changed in ({"speed": 100}, {"origin_ns": facts["origin_ns"] + 2_000_000_000}, {"wall_start_ns": 0}):
            _, ended = Raw(desk).ask(logon(clock=SessionClock(**{**facts, **changed})))
            assert ended.startswith("FAILED_PRECONDITION ClockDiffers"), changed


def test_a_strategy_has_one_session_at_a_time(desk):
    first = desk.stepped()
    first.logon("run-1", 0)
    with pytest.raises(BrokerLost, match="SessionHeld: session run-1 of this strategy is on"):
        desk.stepped().logon("run-2", 0)
    first.send(_new(1, MID - 50), 1)
    first.advance(START_NS + 20 * STEP_NS)
    first.close()
    _gone(desk)
    with pytest.raises(BrokerLost, match="OrdersWorking: session run-1 of this strategy has working orders"):
        desk.stepped().logon("run-2", 0)
    first.logon("run-1", 1)
    first.cancel_all()
    first.close()
    _gone(desk)
    assert desk.stepped().logon("run-2", 0)[0] == 0
    with pytest.raises(InputError, match="SessionEnded: Replaced"):
        first.logon("run-1", 0)


def test_a_client_that_is_removed_is_cut_off_and_so_is_a_policy(desk):
    broker = desk.stepped()
    broker.logon("run-1", 0)
    assert desk.gateway.apply(config_of(DOCUMENT, identities=())).outcome == 1
    with pytest.raises(BrokerLost):
        broker.advance(NEVER)
    with pytest.raises(BrokerLost, match="IdentityNotAdmitted"):
        broker.logon("run-1", 0)
    changed = Client(identity=STRATEGY, session=paper(DOCUMENT), feed=FEED, policy_hashes=[OTHER_HASH])
    desk.gateway.apply(config_of(DOCUMENT, clients=[changed]))
    with pytest.raises(BrokerLost, match="PolicyNotEntitled"):
        broker.logon("run-1", 0)
    desk.gateway.apply(config_of(DOCUMENT))
    assert broker.logon("run-1", 0)[0] == 0


def test_a_law_is_replaced_while_it_runs(desk):
    broker = desk.stepped()
    broker.logon("run-1", 0)
    broker.send(_new(1, MID + 1, at=10), 1)
    assert [Report(int(r)).name for r in broker.advance(START_NS + 10 * STEP_NS)["type"]] == ["ACCEPTED", "FILL"]
    envelope = paper(DOCUMENT)["policy"]["envelope"]
    tight = {**envelope, "limits": {**envelope["limits"], "max_net_exposure_bps": 5, "max_leverage_bps": 5}}
    desk.gateway.apply(config_of(DOCUMENT, law=tight))
    broker.send(_new(2, MID + 1, at=20), 2)
    assert list(broker.advance(START_NS + 20 * STEP_NS)["reason"]) == [109]
    assert desk.gateway.status().broker.denied == {"EXPOSURE": 1}
    assert desk.gateway.apply(config_of(DOCUMENT, law={})).outcome == 1  # no law
    broker.send(_new(3, MID + 1, at=30), 3)
    assert broker.advance(START_NS + 30 * STEP_NS)["reason"][0] >= 100


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"cash": "2000000"}, "initial_cash: an account keeps what it began with"),
        ({"exchange": {"queue_model": "none"}}, "document: exchange.queue_model"),
        ({"law": {"limits": {}}}, "document: law."),
    ],
)
def test_a_configuration_that_cannot_be_taken_leaves_the_one_before(desk, more, words):
    with pytest.raises(InputError, match=words):
        desk.gateway.apply(config_of(DOCUMENT, **more))
    assert desk.gateway.account.law is not None
    assert desk.gateway.apply(desk.config).outcome == 2  # unchanged


def test_live_has_no_gateway():
    document = config_of(DOCUMENT).replace(b'"environment":"Paper"', b'"environment":"Live"')
    with pytest.raises(InputError, match="environment Live: no venue adapter is built"):
        parse(document, "config")


def test_reconcile_tells_the_accounts_books(desk):
    broker = desk.stepped()
    broker.logon("run-1", 0)
    broker.send(np.concatenate((_new(1, MID + 1), _new(2, MID - 50))), 1)
    broker.advance(START_NS + 20 * STEP_NS)
    link = Link(desk.endpoint.target, BROKER, desk.certificates_of(identity_of("client", "someone")))
    books = broker_pb2_grpc.BrokerStub(link.channel()).Reconcile(broker_pb2.ReconcileRequest())
    link.close()
    assert dict(books.positions) == {"SIM-0": 10}
    assert (books.working, books.commands, books.reports, books.latched_reason) == (1, 2, 3, "")
    assert books.cash == 10**14 - 10 * (MID + 1) * 10**6
    assert books.nav == 10**14 - 10 * 10**6


def test_books_are_compared_only_where_they_can_have_moved(desk):
    desk.gateway.keep_house()
    assert desk.gateway.reconciliations == 0
    broker = desk.stepped()
    broker.logon("run-1", 0)
    desk.gateway.keep_house()
    assert desk.gateway.reconciliations == 1
    broker.close()
    _gone(desk)
    assert not desk.gateway.sessions.may_move()


def _new(order_id, price, at=10):
    return command(order_id, START_NS + at * STEP_NS, price=price, tif=0)


def _gone(desk):
    """Wait until the gateway has noticed that a link has ended."""
    until = time.monotonic() + 5
    while any(s.link is not None for s in desk.gateway.sessions.all()) and time.monotonic() < until:
        time.sleep(0.005)
