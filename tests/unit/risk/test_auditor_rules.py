"""Each rule of the auditor fires on one planted violation, and says where."""

from dataclasses import replace
from pathlib import Path

import pytest

from alphatrade_runtime.market.orders import ORDER_DTYPE, OrderFlag, Purpose, TimeInForce
from alphatrade_runtime.market.orders import OrderState as S
from alphatrade_runtime.risk.auditor import AuditLimits, Auditor, Rule
from alphatrade_runtime.risk.codes import Guard, KillState
from unit.risk.record_streams import INSTRUMENTS, Streams, clean_run, new_auditor, to_records


def audited(streams, **options):
    auditor = new_auditor(**options)
    auditor.feed(**streams.arrays())
    auditor.finish()
    return auditor.violations


def a_run():
    """A filled buy of 10, a partly filled sell of 8 that is canceled, money shown."""
    streams = Streams()
    streams.step().trade(0, 1, 10)
    order = streams.step().rest(1, -1, 8)
    streams.step().fill(order, 2)
    streams.step().tell(order, S.PENDING_CANCEL)
    streams.step().tell(order, S.CANCELED)
    streams.step().show()
    return streams


def row(streams, stream, at=-1):
    return streams.rows[stream][at]


def add(stream, column, delta, at=-1):
    def plant(streams):
        row(streams, stream, at)[column] += delta

    return plant


def put(stream, column, value, at=-1):
    def plant(streams):
        row(streams, stream, at)[column] = value

    return plant


def drop(stream, at):
    return lambda streams: streams.rows[stream].pop(at)


TAMPERED = {
    "a fee one quantum too low": (add("fills", "fee", -1), "FEE"),
    "a rebate rounded in our favour": (add("fills", "fee", -1, at=1), "FEE"),
    "cash after a fill": (add("fills", "cash_after", 1), "CASH"),
    "position after a fill": (add("fills", "position_after", -1), "POSITION"),
    "a fill of an order that never was": (put("fills", "order_id", 77), "FILL_UNKNOWN_ORDER"),
    "a fill on the other side": (put("fills", "side", 1), "FILL_MISMATCH"),
    "a fill in another instrument": (put("fills", "instrument", 2), "FILL_MISMATCH"),
    "a buy above its limit": (add("fills", "price", 1, at=0), "FILL_PRICE"),
    "a sell below its limit": (add("fills", "price", -1), "FILL_PRICE"),
    "an execution id twice": (put("fills", "exec_id", 1), "EXEC_DUPLICATE"),
    "a price that no import lets in": (put("fills", "price", 2**50), "RANGE"),
    "a value of 2**60": (put("fills", "qty", 2**40), "RANGE"),
    "a fill of no instrument": (put("fills", "instrument", 3), "RANGE"),
    "an order of no instrument": (put("orders", "instrument", 3), "RANGE"),
    "an order in no state": (put("orders", "state", 200), "RANGE"),
    "an order without side": (put("orders", "side", 0), "RANGE"),
    "an order quantity beyond counting": (put("orders", "qty", 2**62), "RANGE"),
    "a fill dropped": (drop("fills", 0), "POSITION"),
    "fills out of order": (put("fills", "seq", 50), "SEQUENCE"),
    "leaves after a partial fill": (add("orders", "leaves", 1, at=6), "LEAVES"),
    "leaves after the last fill": (add("orders", "leaves", 1, at=2), "LEAVES"),
    "an order that begins as accepted": (drop("orders", slice(3, 5)), None),
    "NAV": (add("equity", "nav", 1), "NAV"),
    "cash shown": (add("equity", "cash", -1), "CASH"),
    "fees shown": (add("equity", "fees", 1), "FEE"),
    "turnover": (add("equity", "turnover", -1), "TURNOVER"),
    "gross": (add("equity", "gross", 1), "EXPOSURE"),
    "net": (add("equity", "net", 1), "EXPOSURE"),
    "funding without a model": (add("equity", "funding", 1), "FUNDING"),
    "a position shown": (add("marks", "position", 1, at=0), "POSITION"),
    "a mark moved": (add("marks", "mark2", 2, at=0), "NAV"),
    "a mark of zero": (put("marks", "mark2", 0, at=0), "MARK"),
    "a mark beyond money": (put("marks", "mark2", 2**47, at=0), "RANGE"),
    "a mark of no instrument": (put("marks", "instrument", 9), "RANGE"),
    "a mark missing": (drop("marks", 0), "MARK"),
    "the side changed": (put("orders", "side", 1), "ORDER_CHANGED"),
    "the instrument changed": (put("orders", "instrument", 0), "ORDER_CHANGED"),
    "the purpose changed": (put("orders", "purpose", 1), "ORDER_CHANGED"),
    "the price changed without amend": (add("orders", "price", 1, at=5), "ORDER_CHANGED"),
    "the quantity changed without amend": (add("orders", "qty", 2, at=5), "ORDER_CHANGED"),
}
TAMPERED["an order that begins as accepted"] = (lambda s: [s.rows["orders"].pop(3) for _ in "12"], "ORDER_UNKNOWN")


@pytest.mark.parametrize("name", TAMPERED)
def test_a_tampered_record_is_found(name):
    plant, rule = TAMPERED[name]
    streams = a_run()
    assert audited(a_run()) == []
    plant(streams)
    found = audited(streams)
    assert rule in {v.rule for v in found}, [v.text for v in found]


def test_a_violation_says_where_and_what():
    streams = a_run()
    row(streams, "fills", 0)["fee"] += 5
    (found,) = audited(streams)
    fill = row(streams, "fills", 0)
    assert (found.rule, found.seq, found.order_id, found.instrument) == ("FEE", fill["seq"], 1, "AAA")
    assert (found.ts_ns, found.found - found.expected) == (fill["ts_ns"], 5)
    assert found.text == (
        f"FEE: a fee is not the schedule's: seq {found.seq}, order 1 AAA: quanta {found.expected}, "
        f"found quanta {found.found}"
    )
    assert "\n" not in found.text


def test_every_violation_is_counted_beyond_those_kept():
    streams = clean_run(900)
    for fill in streams.rows["fills"]:
        fill["fee"] += 1
    auditor = new_auditor()
    auditor.feed(**streams.arrays())
    assert auditor.counts == {"FEE": len(streams.rows["fills"])}
    assert len(auditor.violations) == 256 < auditor.total


# What a runtime without this or that check would send.


def outside_band(streams, bps, tif=TimeInForce.GTC, **facts):
    streams.step().send(0, 1, 5, price=600_000 + 60 * bps, tif=tif, **facts)


@pytest.mark.parametrize(
    ("bps", "facts", "fires"),
    [
        (49, {}, False),
        (51, {}, True),
        (-51, {}, True),
        (19, {"tif": TimeInForce.IOC}, False),
        (21, {"tif": TimeInForce.IOC}, True),
        (21, {"tif": TimeInForce.FOK}, True),
        (21, {"tif": TimeInForce.AT_OPEN}, True),
    ],
)
def test_price_band(bps, facts, fires):
    streams = Streams()
    outside_band(streams, bps, **facts)
    assert [v.rule for v in audited(streams)] == (["PRICE_BAND"] if fires else [])


def test_the_band_is_exact_at_its_edge():
    streams = Streams(mid2=[2_000_000, 60_000, 4_002])
    streams.step().send(0, 1, 5, price=1_005_000)
    assert audited(streams) == []
    streams.step().send(0, 1, 5, price=1_005_001)
    assert [v.rule for v in audited(streams)] == ["PRICE_BAND"]


def test_an_order_without_reference_is_outside_its_band():
    streams = Streams()
    streams.step().send(0, 1, 5)
    for order in streams.rows["orders"]:
        order["ref2"] = 0
    assert [v.rule for v in audited(streams)] == ["PRICE_BAND"]


def test_an_amend_is_held_to_the_band_too():
    streams = Streams()
    order = streams.rest(0, 1, 5)
    order.price -= 60 * 55
    streams.step().tell(order, S.PENDING_AMEND)
    assert [v.rule for v in audited(streams)] == ["PRICE_BAND"]


@pytest.mark.parametrize(("instrument", "qty"), [(0, 51), (0, 0), (1, 3), (1, 22)])
def test_size(instrument, qty):
    streams = Streams()
    streams.step().send(instrument, 1, qty)
    assert [v.rule for v in audited(streams)] == ["SIZE"]


def test_inventory_counts_working_orders_of_the_same_side():
    streams = Streams()
    streams.trade(0, 1, 50)
    streams.show()
    for _ in range(7):
        streams.step().send(0, 1, 50)
    streams.step().send(0, -1, 50)
    assert audited(streams) == []
    streams.step().send(0, 1, 1)
    assert [v.rule for v in audited(streams)] == ["INVENTORY"]


def test_inventory_counts_what_an_amend_adds():
    streams = Streams()
    orders = [streams.step().rest(0, 1, 50) for _ in range(7)] + [streams.step().rest(0, 1, 49)]
    orders[-1].qty = 50
    streams.step().tell(orders[-1], S.PENDING_AMEND)
    assert audited(streams) == []
    orders[-1].qty = 51
    streams.step().tell(orders[-1], S.PENDING_AMEND)
    assert {v.rule for v in audited(streams)} == {"INVENTORY", "SIZE"}


def test_an_order_that_raises_nothing_passes_above_the_limit():
    streams = Streams()
    streams.trade(0, 1, 40)
    streams.step().trade(0, -1, 10)
    streams.show()
    tight = [replace(INSTRUMENTS[0], max_position_lots=20), *INSTRUMENTS[1:]]
    assert [(v.rule, v.order_id) for v in audited(streams, instruments=tight)] == [("INVENTORY", 1)]


def test_leaves_of_an_ended_order_are_free_again():
    streams = Streams()
    orders = [streams.step().rest(0, 1, 50) for _ in range(8)]
    streams.step().fill(orders[0], 20)
    streams.show()
    streams.step().tell(orders[0], S.CANCELED)
    streams.step().send(0, 1, 30)
    assert audited(streams) == []
    streams.step().send(0, 1, 1)
    assert [v.rule for v in audited(streams)] == ["INVENTORY"]


def test_open_orders():
    streams = Streams()
    for _ in range(4):
        streams.step().send(0, 1, 1)
    assert audited(streams, max_open_orders=4) == []
    assert [v.rule for v in audited(streams, max_open_orders=3)] == ["OPEN_ORDERS"]


@pytest.mark.parametrize(
    ("position", "side", "qty", "fires"), [(10, -1, 10, 0), (10, -1, 11, 1), (10, 1, 1, 1), (0, 1, 1, 1)]
)
def test_reduce_only_at_departure(position, side, qty, fires):
    streams = Streams()
    if position:
        streams.trade(0, 1, position)
        streams.show()
    streams.step().send(0, side, qty, order_flags=OrderFlag.REDUCE_ONLY)
    assert [v.rule for v in audited(streams)] == ["REDUCE_ONLY"] * fires


def test_reduce_only_at_the_fill():
    """The position shrank while the order was out: filling it whole flips the position."""
    streams = Streams()
    streams.trade(0, 1, 10)
    order = streams.step().rest(0, -1, 10, order_flags=OrderFlag.REDUCE_ONLY)
    streams.step().trade(0, -1, 5)
    streams.step().fill(order, 10)
    streams.step().show()
    assert [v.rule for v in audited(streams)] == ["REDUCE_ONLY"]


def test_an_order_after_the_trip():
    streams = Streams()
    streams.step().send(0, 1, 1)
    streams.guard(KillState.TRIPPED)
    assert audited(streams) == []
    streams.step().send(0, 1, 1)
    streams.step().send(0, -1, 1, purpose=Purpose.FLATTEN)
    assert [v.rule for v in audited(streams)] == ["KILL"]


def test_a_reduction_after_a_halt():
    streams = Streams()
    streams.trade(0, 1, 10)
    streams.step().guard(KillState.HALTED, qty=2)
    streams.step().send(0, -1, 10)
    assert [v.rule for v in audited(streams)] == ["KILL", "EQUITY_MISSING"]


def test_flatten_comes_only_from_a_trip():
    streams = Streams()
    streams.step().send(0, -1, 1, purpose=Purpose.FLATTEN)
    assert [v.rule for v in audited(streams)] == ["FLATTEN"]
    streams.guard(KillState.FLATTENING)
    assert audited(streams) == []


@pytest.mark.parametrize(("bps", "fires"), [(79, 0), (81, 1)])
def test_flatten_answers_to_its_own_slippage(bps, fires):
    streams = Streams()
    streams.step().guard(KillState.FLATTENING)
    outside_band(streams, bps, TimeInForce.IOC, purpose=Purpose.FLATTEN)
    assert [v.rule for v in audited(streams, max_flatten_slippage_bps=80)] == ["PRICE_BAND"] * fires


def test_overfill():
    streams = Streams()
    order = streams.rest(0, 1, 5)
    streams.step().fill(order, 3)
    streams.step().fill(order, 3)
    streams.show()
    assert {v.rule for v in audited(streams)} == {"OVERFILL"}


def test_a_fill_after_the_end():
    streams = Streams()
    order = streams.rest(0, 1, 5)
    streams.step().tell(order, S.CANCELED)
    streams.step().fill(order, 2)
    streams.rows["orders"].pop()
    streams.step().show()
    assert [v.rule for v in audited(streams)] == ["FILL_AFTER_END"]


def test_a_fill_after_the_end_that_is_flagged_as_a_break():
    streams = Streams()
    order = streams.rest(0, 1, 5)
    streams.step().tell(order, S.CANCELED)
    streams.step().fill(order, 2)
    streams.guard(KillState.ARMED, Guard.RECONCILE_BREAK)
    streams.rows["orders"].pop()
    streams.step().show()
    assert audited(streams) == []


def test_a_fill_of_an_order_that_has_not_left():
    streams = Streams()
    order = streams.send(0, 1, 5)
    streams.rows["orders"].pop()
    streams.step().fill(order, 5)
    streams.show()
    assert "FILL_UNKNOWN_ORDER" in {v.rule for v in audited(streams)}


def test_a_client_order_id_twice():
    streams = Streams()
    streams.rest(0, 1, 5)
    streams.next_order = 1
    streams.step().rest(0, 1, 5)
    assert [v.rule for v in audited(streams)] == ["ORDER_DUPLICATE", "ORDER_STATE"]


@pytest.mark.parametrize("after", [S.ACCEPTED, S.PENDING_CANCEL, S.IN_FLIGHT_NEW, S.FILLED])
def test_nothing_follows_an_end(after):
    streams = Streams()
    order = streams.rest(0, 1, 5)
    streams.step().tell(order, S.CANCELED)
    streams.step().tell(order, after)
    assert {v.rule for v in audited(streams)} <= {"ORDER_STATE", "ORDER_DUPLICATE"} != set()
    assert len(audited(streams)) == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [(S.ACCEPTED, S.IN_FLIGHT_NEW), (S.PARTIALLY_FILLED, S.ACCEPTED), (S.ACCEPTED, S.REJECTED), (S.ACCEPTED, S.DENIED)],
)
def test_transitions_that_do_not_exist(before, after):
    streams = Streams()
    order = streams.rest(0, 1, 5)
    if before == S.PARTIALLY_FILLED:
        streams.step().fill(order, 2)
    streams.step().tell(order, after)
    assert "ORDER_STATE" in {v.rule for v in audited(streams)}


def test_a_trade_with_ourselves():
    streams = Streams()
    resting = streams.rest(0, 1, 5)
    crossing = streams.step().send(0, -1, 5, price=resting.price, tif=TimeInForce.IOC)
    streams.step().fill(resting, 5, maker=1)
    streams.fill(crossing, 5, maker=0)
    streams.step().show()
    assert [v.rule for v in audited(streams)] == ["SELF_TRADE"]


def test_a_round_trip_in_one_moment_is_no_self_trade():
    """The taker left only after our maker order was known to be filled."""
    streams = Streams()
    resting = streams.rest(0, 1, 5)
    streams.step().fill(resting, 5, maker=1, exch_ts_ns=7)
    crossing = streams.send(0, -1, 5, price=resting.price, tif=TimeInForce.IOC)
    streams.step().fill(crossing, 5, maker=0, exch_ts_ns=7)
    streams.step().show()
    assert audited(streams) == []


def test_one_fills_cash_that_funding_does_not_explain():
    streams = Streams()
    streams.trade(0, 1, 2)
    streams.trade(0, 1, 2)
    streams.rows["fills"][0]["cash_after"] -= 1
    streams.step().show()
    assert [(v.rule, v.order_id) for v in audited(streams, funding=True)] == [("CASH", 1)]


def test_money_rows_that_run_backwards():
    streams = a_run()
    streams.show()
    for stream in ("equity", "marks"):
        row(streams, stream)["seq"] = 50
    assert "SEQUENCE" in {v.rule for v in audited(streams)}


def test_cash_beyond_counting():
    streams = Streams(cash=2**62)
    streams.trade(0, -1, 50)
    streams.show()
    auditor = Auditor(INSTRUMENTS, 2**62, AuditLimits())
    auditor.feed(**streams.arrays())
    assert [v.rule for v in auditor.violations] == ["RANGE"]


def test_cash_that_funding_does_not_explain():
    streams = Streams()
    streams.trade(0, 1, 2)
    streams.show()
    streams.cash -= 5
    streams.step().trade(0, 1, 2)
    streams.step().show()
    assert {v.rule for v in audited(streams, funding=True)} == {"CASH", "NAV"}


def test_more_open_orders_than_the_table_holds():
    rows = [{"order_id": n, "seq": n, "state": S.IN_FLIGHT_NEW, "side": 1, "qty": 1, "leaves": 1, "price": 10,
             "ref2": 20} for n in range(1, 2**14 + 2**12)]  # fmt: skip
    auditor = new_auditor()
    auditor.feed(orders=to_records(rows, ORDER_DTYPE))
    assert auditor.counts["CAPACITY"] > 0


def test_every_rule_is_planted_somewhere():
    source = Path(__file__).read_text()
    assert [rule.name for rule in Rule if f'"{rule.name}"' not in source] == []
