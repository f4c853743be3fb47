"""The loop of a wall-clock session: take what has arrived, decide once, send, and keep the books in line."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from alphatrade_runtime.execution.broker.contract import Broker, BrokerLost, Commands
from alphatrade_runtime.loop import replay
from alphatrade_runtime.loop.engine import RunResult, counts_of, kill_of, money_of
from alphatrade_runtime.loop.identity import Identity
from alphatrade_runtime.loop.live_clock import SessionClock, StepWatch
from alphatrade_runtime.loop.live_options import LiveOptions, LiveProgress, LiveResult
from alphatrade_runtime.loop.live_reconcile import conclude
from alphatrade_runtime.loop.live_rows import control_row, gap_row, permit_row, report_rows, timer_row
from alphatrade_runtime.loop.live_session import LiveFacts, LiveSession
from alphatrade_runtime.loop.live_telemetry import LiveTelemetry
from alphatrade_runtime.loop.permit import Permit
from alphatrade_runtime.loop.recovery import hand_on
from alphatrade_runtime.loop.steering import Directive, FileSteering
from alphatrade_runtime.market.orders import OrderState
from alphatrade_runtime.market.schema import Control, Rows
from alphatrade_runtime.reflection.diary.record_log import DiaryStalled

TICK_S = 0.001
IDLE_S = 0.02  # where arrivals wake the loop: at a turn a millisecond an idle pod takes a seventh of a core
STOPPED = "stopped"
FEED_ENDED = "the feed has ended"
SILENCE_NS = 100_000_000  # without anything received, a TIMER row
CONTROL_NS = 5_000_000
HOUSEKEEPING_NS = 50_000_000
RECONCILE_NS = 60_000_000_000
OVERDUE_NS = 2_000_000_000  # a command waits for an answer and nothing is heard: ask what became of all
_AWAITING = (int(OrderState.IN_FLIGHT_NEW), int(OrderState.PENDING_CANCEL), int(OrderState.PENDING_AMEND))
BACK_OFF_NS = (100_000_000, 200_000_000, 500_000_000, 1_000_000_000, 2_000_000_000)


class WallFeed(Protocol):
    """Market rows by the wall clock."""

    @property
    def ended(self) -> bool:
        """True when no more will come."""

    def poll(self, now_ns: int) -> list[Rows]:
        """Return the spans of rows due at now_ns that were not given out yet."""

    def next_due_ns(self) -> int:
        """Return when the next row is due."""

    def skip(self, until_ns: int) -> tuple[int, list[Rows]]:
        """Pass over what was due by until_ns; return how many rows are missed and those that tell a lasting state."""


class LiveLoop:
    """One process of a session: its sources, its link, its clocks."""

    def __init__(
        self,
        broker: Broker,
        feed: WallFeed,
        live: LiveSession,
        facts: LiveFacts,
        folder: Path,
        options: LiveOptions,
    ) -> None:
        self.broker, self.feed, self.live, self.facts = broker, feed, live, facts
        self.folder, self.options = folder, options
        self.steering = options.steering or FileSteering(folder)
        self.clock = SessionClock(facts.clock, options.clocks, live.now_ns)
        self.telemetry = LiveTelemetry(folder, live, options.clocks)
        self.watch = StepWatch(options.clocks)
        self.mono = options.clocks.mono_ns
        self.linked = False
        self.notes: list[str] = []
        self.ended_by = ""
        self._failures = 0
        self._audit_failed = False
        self._heard = 0  # when the broker last answered, or owed no answer
        self._next = dict.fromkeys(("link", "control", "house", "reconcile", "silence"), 0)

    def loop(self, stop: Callable[[], bool]) -> None:
        """Run until told to stop, the time is up, or the feed has ended."""
        self.started = self.mono()
        self._begin()
        while not self._ends(stop):
            if not self._turn():
                self._idle()

    def _begin(self) -> None:
        """Hold all orders until the venue has told where we stand; skip what the market did meanwhile."""
        resumed = self.live.seq > 0
        spans = [control_row(Control.LINK_LOST)]
        if resumed:
            missed, lasting = self.feed.skip(self.clock())
            spans += [gap_row(missed), *lasting]
        self._take(spans, decide=False)

    def _ends(self, stop: Callable[[], bool]) -> bool:
        over = self.options.duration_s
        if stop():
            self.ended_by = STOPPED
        elif over is not None and self.mono() - self.started >= over * 1e9:
            self.ended_by = "time is up"
        elif self.feed.ended:
            self.ended_by = FEED_ENDED
        else:
            self.ended_by = self.options.finished()
        return bool(self.ended_by)

    def _turn(self) -> bool:
        """Take what has arrived, decide once; return whether there was anything."""
        ingest = self.mono()
        self._obey(ingest)
        spans: list[Rows] = []
        moved = self.watch.moved_ns()
        if moved:
            self._note(f"the time of day was set by {moved / 1e9:+.3f} s")
            spans.append(control_row(Control.CLOCK_STEP))
        spans += self._received()
        spans += self.feed.poll(self.clock())
        if not spans and ingest >= self._next["silence"]:
            spans = [timer_row()]
        if spans:
            self._next["silence"] = ingest + SILENCE_NS
            self._take(spans, ingest=ingest)
        if moved or not self.linked or ingest >= self._next["reconcile"]:
            self._link_up(ingest)
        if ingest >= self._next["house"]:
            self._keep_house(ingest)
        return bool(spans)

    def _take(self, spans: list[Rows], decide: bool = True, ingest: int | None = None) -> None:
        """Take one batch and send what it made."""
        ingest = self.mono() if ingest is None else ingest
        commands = self.live.take(spans, self.clock(), decide)
        signal = self.mono()
        if len(commands) and self.linked:
            self._send(commands)
        handed = self.mono()
        self.telemetry.sent(commands, self.telemetry.stepped(spans, ingest, signal), handed)

    def _send(self, commands: Commands) -> None:
        try:
            self.broker.send(commands)
        except BrokerLost as error:
            self._lose_link(error)

    def _received(self) -> list[Rows]:
        if not self.linked:
            return []
        try:
            reports = self.broker.receive()
        except BrokerLost as error:
            self._lose_link(error)
            return []
        if len(reports) == 0:
            return []
        self._heard = self.mono()
        return [report_rows(reports)]

    def _lose_link(self, error: BrokerLost) -> None:
        """Nobody knows what became of the working orders: hold everything until reconciled."""
        self.linked = False
        self._note(str(error))
        self._take([control_row(Control.LINK_LOST)], decide=False)

    def _link_up(self, now: int) -> None:
        """Log on if need be, and reconcile; what cannot be reached is tried again, each time later."""
        if not self.linked and now < self._next["link"]:
            return
        try:
            if not self.linked:
                self.broker.logon(self.facts.session_id, self.live.reports, self.facts.venue_facts())
            self._reconcile()
            self._failures = 0
            self._next["reconcile"] = now + RECONCILE_NS
        except BrokerLost as error:
            if self.linked:
                self._lose_link(error)
            self._next["link"] = self.mono() + BACK_OFF_NS[min(self._failures, len(BACK_OFF_NS) - 1)]
            self._failures += 1

    def _reconcile(self) -> None:
        """Take the venue's word on everything under way, compare books, and say so in the journal."""
        asked = [int(order["order_id"]) for order in self.live.open_orders()]
        reports, venue = self.broker.reconcile(asked)
        self._heard = self.mono()
        if len(reports):
            self._take([report_rows(reports)], decide=False)
        concluded = conclude(self.live, venue, self.clock())
        for text in concluded.breaks:
            self._note(f"books disagree: {text}")
        self.linked = True  # the step behind the conclusion may send
        self._take(concluded.rows)

    def _obey(self, now: int) -> None:
        """Take directives, each on its own and before anything else."""
        if now < self._next["control"]:
            return
        self._next["control"] = now + CONTROL_NS
        for directive in self.steering.pending():
            self._carry_out(directive, now)

    def _carry_out(self, directive: Directive, now: int) -> None:
        assert self.live.journal is not None
        before = self.live.commands
        if directive.permit is None:  # else its row says it
            self.live.journal.append_meta(directive.to_meta())
        if directive.permit is not None:
            self._take([self._permit_row(directive.permit)], decide=False, ingest=now)
        elif directive.limits is not None:
            self.live.take_limits(directive.limits)
            self._take([timer_row()], ingest=now)
        elif directive.control is not None:
            if reason := directive.facts.get("reason"):
                self._note(f"{directive.control.name}: {reason}")
            self._take([control_row(directive.control, directive.argument)], ingest=now)
            if directive.control is Control.KILL_FRESH:
                self._next["reconcile"] = now
        self.steering.done(directive, before)

    def _permit_row(self, permit: Permit) -> Rows:
        """Return a permit with its end in session time: that clock is read first, so it never holds too long."""
        at = self.clock()
        left_ns = max(permit.until_ns - self.mono(), 0)
        return permit_row(permit.share_bps, at + self.clock.span_ns(left_ns), permit.epoch)

    def _keep_house(self, now: int) -> None:
        """What need not be done at every turn: records, heartbeat, overdue orders."""
        self._next["house"] = now + HOUSEKEEPING_NS
        self.live.drain()
        self._heed_auditor()
        if not any(int(order["state"]) in _AWAITING for order in self.live.open_orders()):
            self._heard = now
        if self.linked and now - self._heard > OVERDUE_NS:
            self._next["reconcile"] = now
        try:
            beaten = self.telemetry.beat()
        except OSError as error:
            raise DiaryStalled(f"{self.folder}: telemetry cannot be written ({error}), trading stops") from error
        if beaten and self.options.progress is not None:
            self.options.progress(self.progress())

    def _heed_auditor(self) -> None:
        """Latch a halt on the auditor's first violation: books that do not add up trade no further."""
        violations = self.live.recorder.violations
        if violations and not self._audit_failed:
            self._audit_failed = True
            self._note(f"auditor: {violations[0].text}; halted")
            self._take([control_row(Control.HALT)])

    def progress(self) -> LiveProgress:
        """Return where the session is."""
        live = self.live
        elapsed = (self.mono() - self.started) / 1e9
        counts, kill = counts_of(live.core), kill_of(live.core)
        return LiveProgress(live.now_ns, elapsed, counts, live.nav(), live.positions(), self.linked, kill)

    def _idle(self) -> None:
        """Wait until something is due or has arrived."""
        due_s = max(self.clock.real_s(self.feed.next_due_ns() - self.clock()), 0.0)
        wake = self.options.wake
        if wake is None:
            self.broker.wait(min(due_s, TICK_S))
        elif wake.wait(min(due_s, IDLE_S)):
            wake.clear()

    def finish(self, identity: Identity) -> LiveResult:
        """Cancel working orders, close link, streams and journal."""
        self._cancel_working()
        live = self.live
        replay.close(live.core)
        live.drain()
        digests = live.recorder.close()
        assert live.journal is not None
        live.journal.append_meta({"closed": {"digests": digests, "by": self.ended_by, "notes": self.notes}})
        live.journal.close()
        self.telemetry.close()
        result = RunResult(
            run_id=self.facts.session_id,
            identity=identity,
            digests=digests,
            counts=counts_of(live.core),
            money=money_of(live.core),
            kill=kill_of(live.core),
            violations=live.recorder.violations,
        )
        return LiveResult(result, self.facts.session_id, self.ended_by, self.notes)

    def pause(self, identity: Identity) -> None:
        """Cancel working orders and end the journal in order: the same code goes on with it, another one from its end.

        Orders that are not known to have ended are handed on as such; the next logon reconciles them.
        """
        self._cancel_working()
        self.live.drain()
        self.telemetry.close()
        hand_on(self.live, self.facts, identity, self.live.place())

    def _cancel_working(self) -> None:
        if self.linked:
            try:
                reports = self.broker.cancel_all()
                if len(reports):
                    self._take([report_rows(reports)], decide=False)
            except BrokerLost as error:
                self._lose_link(error)
        if self.live.open_orders():
            self._note(f"{len(self.live.open_orders())} orders are not known to have ended")
        self.broker.close()

    def abandon(self) -> None:
        """Stop trading at once: cancel what works if the broker can be reached, and let everything go."""
        try:
            if self.linked:
                self.broker.cancel_all()
        except (BrokerLost, OSError):
            pass  # nothing more can be done from here
        self.broker.close()
        self.live.recorder.abandon()
        if self.live.journal is not None:
            self.live.journal.abandon()

    def _note(self, text: str) -> None:
        if text not in self.notes and len(self.notes) < 100:
            self.notes.append(text)
