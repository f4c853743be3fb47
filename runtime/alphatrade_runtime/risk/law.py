"""The law: may this order leave? Total, no I/O, the same compiled function wherever it is asked.

Every check returns a utilisation in 1e-4 of its limit; above 10,000 the check fails. All checks are
evaluated, the first failing one in the order of `Code` is the reason. A cancel is never asked about.
"""

from alphatrade_runtime.market.orders import OrderFlag, Purpose, TimeInForce
from alphatrade_runtime.market.schema import Control, Status
from alphatrade_runtime.market.view import reference2
from alphatrade_runtime.numerics.jit import hot, kernel
from alphatrade_runtime.risk.codes import Code, KillState
from alphatrade_runtime.risk.state import RATE_RING, REDUCE_DAY_DRAWDOWN, TURN_BUCKETS

FULL = 10_000
CAP = 65_535
MOST = 1 << 60  # quanta; what is more is not computed
MOST_TICKS = 1 << 48  # the bound of prices on tapes
_KILL_REDUCE = int(Control.REDUCE)
_ARMED = int(KillState.ARMED)
_TRADING = int(Status.TRADING)
_FLATTEN = int(Purpose.FLATTEN)
_REDUCE_ONLY = int(OrderFlag.REDUCE_ONLY)
_GTC = int(TimeInForce.GTC)
_AT_OPEN = int(TimeInForce.AT_OPEN)
_SECOND_NS = 1_000_000_000
_MINUTE_NS = 60_000_000_000
_ACCEPT = int(Code.ACCEPT)
_KILL = int(Code.KILL)
_SESSION = int(Code.SESSION)
_STALE = int(Code.STALE)
_SYMBOL = int(Code.SYMBOL)
_SIZE = int(Code.SIZE)
_NOTIONAL = int(Code.NOTIONAL)
_PRICE_BAND = int(Code.PRICE_BAND)
_INVENTORY = int(Code.INVENTORY)
_EXPOSURE = int(Code.EXPOSURE)
_LEVERAGE = int(Code.LEVERAGE)
_MARGIN = int(Code.MARGIN)
_DRAWDOWN = int(Code.DRAWDOWN)
_RATE = int(Code.RATE)
_OPEN_ORDERS = int(Code.OPEN_ORDERS)
_TURNOVER = int(Code.TURNOVER)
_RISK_PER_TRADE = int(Code.RISK_PER_TRADE)
_BUDGET = int(Code.BUDGET)
_DUP = int(Code.DUP)


@hot
def utilisation(observed, limit):
    """Return observed/limit in 1e-4: above 10,000 exactly when observed > limit, capped at 65,535."""
    if observed <= 0:
        return 0 if observed <= limit else CAP
    if limit <= 0:
        return CAP
    share = observed / limit * 1e4
    if observed > limit:
        return CAP if share >= CAP else max(int(share), FULL + 1)
    return min(int(share), FULL)


@hot
def failing(fails):
    """Return the utilisation of a yes-or-no check."""
    return CAP if fails else 0


@hot
def product(a, b, c):
    """Return a * b * c held within -MOST and MOST, so that no product wraps around and passes."""
    about = float(a) * float(b) * float(c)
    if about >= MOST:
        return MOST
    return a * b * c if about > -MOST else -MOST


@hot
def of_nav(nav, bps):
    """Return nav * bps / 10,000, rounded down; below MOST, so that what is not countable is above every limit."""
    return min(product(nav // 10_000, bps, 1), MOST - 1)


@hot
def reduces(request, exposure):
    """True when the order can only shrink the position: opposite side, and all such leaves fit in it."""
    position = exposure.position
    if request.side > 0:
        return position < 0 and exposure.working_buy + request.extra <= -position
    return position > 0 and exposure.working_sell + request.extra <= position


@hot
def kill_blocks(request, exposure, account):
    """KILL: tripped, halted by a guard, or not yet released to trade."""
    if account.kill_state == _ARMED and account.halt == 0:
        return 0
    if account.halt == 0 and account.kill_mode == _KILL_REDUCE:
        return failing(not reduces(request, exposure))
    return CAP


@hot
def session_closed(view, account, limits):
    """SESSION: the venue has halted or closed, or the calendar has. Bars fill in the next one that exists."""
    return failing(view.status != _TRADING or (account.session_open == 0 and limits.bar_mode == 0))


@hot
def stale(view, instrument, account, limits):
    """STALE: the stream is silent, or this instrument's quote is too old, crossed or missing."""
    if limits.bar_mode != 0:
        return failing(view.mark2 <= 0 or account.bar_ordinal > view.bar_ordinal)
    if view.quote_ts == 0 or view.mark2 <= 0 or view.crossed != 0:
        return CAP
    silent = utilisation(account.now - account.stream_ts, limits.stream_stale_ns)
    return max(silent, utilisation(account.now - view.quote_ts, instrument.max_quote_age_ns))


@hot
def unknown_symbol(instrument):
    """SYMBOL: the risk template does not name the instrument."""
    return failing(instrument.allowed == 0)


@hot
def bad_size(request, instrument):
    """SIZE: below the minimum, above the order maximum, or no price that a market could have."""
    if request.qty < instrument.min_order or request.price <= 0 or request.price > MOST_TICKS:
        return CAP
    return utilisation(request.qty, instrument.max_order)


@hot
def fat_finger(value, account, limits):
    """NOTIONAL: one order against a share of NAV."""
    return utilisation(value, of_nav(account.nav, limits.max_notional_bps))


@hot
def outside_band(request, view, limits, band_bps):
    """PRICE_BAND: distance from the reference; tighter for what takes."""
    if request.ref2 <= 0:
        return CAP
    marketable = request.tif != _GTC
    if request.side > 0:
        marketable = marketable or (0 < view.ask <= request.price)
    else:
        marketable = marketable or (0 < request.price <= view.bid)
    if band_bps == 0:
        band_bps = limits.band_marketable_bps if marketable else limits.band_limit_bps
    return utilisation(abs(2 * request.price - request.ref2) * 10_000, product(band_bps, request.ref2, 1))


@hot
def too_much_inventory(worst_after, instrument):
    """INVENTORY: the worst position if every working order on one side filled."""
    return utilisation(worst_after, instrument.max_position)


@hot
def worst_position(exposure, extra_buy, extra_sell):
    """Return (worst absolute position in lots, its sign) with the extra lots reserved."""
    up = exposure.position + exposure.working_buy + extra_buy
    down = exposure.position - exposure.working_sell - extra_sell
    if abs(up) >= abs(down):
        return abs(up), 1 if up >= 0 else -1
    return abs(down), 1 if down >= 0 else -1


@kernel
def portfolio(exposures, views, instruments, n, request):
    """Return (net, gross, margin) in quanta over all instruments, the request's lots included."""
    net = 0
    gross = 0
    margin = 0
    for i in range(n):
        extra = request.extra if i == request.instrument else 0
        buy = extra if request.side > 0 else 0
        worst, sign = worst_position(exposures[i], buy, extra - buy)
        if worst != 0:
            value = product(worst, reference2(views[i]), instruments[i].half_mult)
            net = max(min(net + sign * value, MOST), -MOST)
            gross = min(gross + value, MOST)
            margin = min(margin + product((value + 9_999) // 10_000, instruments[i].initial_margin_bps, 1), MOST)
    return net, gross, margin


@hot
def too_exposed(net, account, limits):
    """EXPOSURE: net worst-case exposure against NAV."""
    return utilisation(abs(net), of_nav(account.nav, limits.max_net_exposure_bps))


@hot
def too_levered(gross, account, limits):
    """LEVERAGE: gross worst-case exposure against NAV."""
    return utilisation(gross, of_nav(account.nav, limits.max_leverage_bps))


@hot
def margin_short(margin, account):
    """MARGIN: initial margin of the worst case against NAV; nothing opens without equity."""
    if account.nav <= 0:
        return CAP
    return utilisation(margin, account.nav)


@hot
def drawdown_holds(account):
    """DRAWDOWN: the day's limit was hit, only reductions may leave."""
    return failing((account.reduce_only & REDUCE_DAY_DRAWDOWN) != 0)


@hot
def expire_rates(account, ring, now):
    """Move both RATE windows up to now."""
    mask = RATE_RING - 1
    while account.rate_tail_s < account.rate_head and ring[account.rate_tail_s & mask] <= now - _SECOND_NS:
        account.rate_tail_s += 1
    while account.rate_tail_min < account.rate_head and ring[account.rate_tail_min & mask] <= now - _MINUTE_NS:
        account.rate_tail_min += 1


@hot
def too_fast(account, limits, ring):
    """RATE: new and amended orders in the last second and minute, this one included."""
    expire_rates(account, ring, account.now)
    second = utilisation(account.rate_head - account.rate_tail_s + 1, limits.max_orders_per_s)
    return max(second, utilisation(account.rate_head - account.rate_tail_min + 1, limits.max_orders_per_min))


@hot
def too_many_open(request, exposure, limits):
    """OPEN_ORDERS: non-terminal orders of the instrument, this one included."""
    return utilisation(exposure.open_orders + 1 - request.is_amend, limits.max_open_orders)


@hot
def expire_turnover(account, now):
    """Move the turnover windows up to now: the bucket under way and the 60 seconds, or minutes, before it.

    The oldest bucket counts whole, so a window is at most one bucket longer than its name, never shorter.
    """
    second = now // _SECOND_NS
    steps = min(second - account.turn_s_at, TURN_BUCKETS)
    for k in range(steps):
        slot = (second - k) % TURN_BUCKETS
        account.turn_minute -= account.turn_s[slot]
        account.turn_s[slot] = 0
    account.turn_s_at = max(account.turn_s_at, second)
    minute = now // _MINUTE_NS
    steps = min(minute - account.turn_min_at, TURN_BUCKETS)
    for k in range(steps):
        slot = (minute - k) % TURN_BUCKETS
        account.turn_hour -= account.turn_min[slot]
        account.turn_min[slot] = 0
    account.turn_min_at = max(account.turn_min_at, minute)


@hot
def add_turnover(account, value, now):
    """Count a fill's notional into the windows."""
    expire_turnover(account, now)
    account.turn_s[account.turn_s_at % TURN_BUCKETS] += value
    account.turn_min[account.turn_min_at % TURN_BUCKETS] += value
    account.turn_minute += value
    account.turn_hour += value
    account.turnover += value


@hot
def too_much_turnover(value, account, limits):
    """TURNOVER: filled notional of the window plus this order."""
    expire_turnover(account, account.now)
    minute = utilisation(account.turn_minute + value, of_nav(account.nav, limits.max_turnover_min_bps))
    return max(minute, utilisation(account.turn_hour + value, of_nav(account.nav, limits.max_turnover_hour_bps)))


@hot
def too_risky(value, account, limits):
    """RISK_PER_TRADE: what the stop distance would cost on this order."""
    loss = product((value + 9_999) // 10_000, limits.stop_bps, 1)
    return utilisation(loss, of_nav(account.nav, limits.risk_per_trade_bps))


@hot
def beyond_budget(request):
    """BUDGET: what an exploring order spends against what the exploration budget has left; 0 of any other order."""
    return utilisation(request.spend, request.room)


@hot
def duplicate(request, account):
    """DUP: the client order id is not new to us or to the venue."""
    return failing(request.is_amend == 0 and request.order_id <= account.max_order_id)


@hot
def _verdict(util, purpose):
    """Return the first failing code; FLATTEN orders answer to five checks only (semantics §1)."""
    for code in range(1, len(util)):
        if util[code] > FULL:
            if purpose != _FLATTEN or code == _SYMBOL or code == _SIZE or code == _PRICE_BAND:
                return code
            if code == _DUP or code == _INVENTORY:
                return code
    return _ACCEPT


@kernel
def check(request, exposures, views, instruments, n, limits, account, rate_ring, util):
    """Return the denial code of a new or amended order (0 accepts) and write all utilisations into `util`.

    request: REQUEST_DTYPE record.  exposures, views, instruments: records, the first n are in use.
    util: (19,) uint16, written.
    Reads nothing else; moves only the expiry of its own rate and turnover windows.
    """
    i = request.instrument
    exposure = exposures[i]
    view = views[i]
    instrument = instruments[i]
    buy = request.extra if request.side > 0 else 0
    before, _ = worst_position(exposure, 0, 0)
    after, _ = worst_position(exposure, buy, request.extra - buy)
    raises = after > before
    value = product(request.qty, request.price, instrument.mult)
    net, gross, margin = portfolio(exposures, views, instruments, n, request)
    flatten = request.purpose == _FLATTEN

    util[_ACCEPT] = 0
    util[_KILL] = kill_blocks(request, exposure, account)
    util[_SESSION] = session_closed(view, account, limits)
    util[_STALE] = stale(view, instrument, account, limits)
    util[_SYMBOL] = unknown_symbol(instrument)
    util[_SIZE] = bad_size(request, instrument)
    util[_NOTIONAL] = fat_finger(value, account, limits)
    band_bps = account.flatten_slippage_bps if flatten else 0
    util[_PRICE_BAND] = outside_band(request, view, limits, band_bps)
    util[_INVENTORY] = too_much_inventory(after, instrument) if raises else 0
    if (request.order_flags & _REDUCE_ONLY) != 0 or account.reduce_only != 0:
        if not reduces(request, exposure):
            util[_INVENTORY] = util[_INVENTORY] if account.reduce_only == REDUCE_DAY_DRAWDOWN else CAP
    util[_EXPOSURE] = too_exposed(net, account, limits) if raises else 0
    util[_LEVERAGE] = too_levered(gross, account, limits) if raises else 0
    util[_MARGIN] = margin_short(margin, account) if raises or account.nav <= 0 else 0
    util[_DRAWDOWN] = 0 if reduces(request, exposure) else drawdown_holds(account)
    util[_RATE] = too_fast(account, limits, rate_ring)
    util[_OPEN_ORDERS] = too_many_open(request, exposure, limits)
    util[_TURNOVER] = too_much_turnover(value, account, limits) if raises else 0
    util[_RISK_PER_TRADE] = too_risky(value, account, limits) if raises else 0
    util[_BUDGET] = beyond_budget(request)
    util[_DUP] = duplicate(request, account)
    return _verdict(util, request.purpose)
