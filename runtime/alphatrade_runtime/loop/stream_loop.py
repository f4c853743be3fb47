"""The loop of a session on a stream's clock: rows in, commands out, the venue brought forward in lockstep.

Time stands still while the feed or the broker is away: nothing is decided, nothing can go stale, nothing is lost.
Permits, the age of the kill-switch list and deadlines are the monotonic clock's and go on.
"""

from collections.abc import Callable
from pathlib import Path

from alphatrade_runtime.execution.broker.contract import BrokerLost, Commands
from alphatrade_runtime.loop import replay
from alphatrade_runtime.loop.engine import RunResult, counts_of, kill_of, money_of
from alphatrade_runtime.loop.identity import Identity
from alphatrade_runtime.loop.live_loop import BACK_OFF_NS, FEED_ENDED, STOPPED
from alphatrade_runtime.loop.live_options import LiveOptions, LiveProgress, LiveResult
from alphatrade_runtime.loop.permit import Permit
from alphatrade_runtime.loop.recovery import hand_on
from alphatrade_runtime.loop.steering import Directive, FileSteering
from alphatrade_runtime.loop.stream_contract import SteppedBroker, StreamFeed
from alphatrade_runtime.loop.stream_facts import StreamFacts
from alphatrade_runtime.loop.stream_reconcile import breaks_of
from alphatrade_runtime.loop.stream_session import FOREVER, StreamSession
from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.market.schema import Control
from alphatrade_runtime.reflection.diary.record_log import DiaryStalled
from alphatrade_runtime.reflection.telemetry import COUNTS, Heartbeat, append_to, read_rss_kb

STEER_NS = 5_000_000
HOUSEKEEPING_NS = 50_000_000
WAIT_S = 0.02


class StreamLoop:
    """One process of a session: its stream, its venue, its records.

    entry_ns, response_ns: how long a command takes to the venue, and a report back.
    """

    def __init__(
        self,
        broker: SteppedBroker,
        feed: StreamFeed,
        live: StreamSession,
        facts: StreamFacts,
        folder: Path,
        options: LiveOptions,
    ) -> None:
        self.broker, self.feed, self.live, self.facts = broker, feed, live, facts
        self.folder, self.options = folder, options
        exchange = facts.session.exchange
        self.entry_ns, self.response_ns = exchange.entry_latency_ns, exchange.response_latency_ns
        self.steering = options.steering or FileSteering(folder)
        self.mono = options.clocks.mono_ns
        self.linked = False
        self.notes: list[str] = []
        self.ended_by = ""
        self._known = -1  # all reports due by then are in hand
        self._failures = 0
        self._audit_failed = False
        self._permitted: tuple[int, int] | None = None  # share and epoch last taken
        self._next = dict.fromkeys(("link", "steer", "house"), 0)
        self._heart = Heartbeat(
            append_to(folder / "telemetry.jsonl"), options.clocks.wall_ns, options.clocks.mono_ns, read_rss_kb
        )

    def loop(self, stop: Callable[[], bool]) -> None:
        """Run until told to stop, the time is up, or the feed has ended."""
        self.started = self.mono()
        while not self._ends(stop):
            self._turn()
        if self.feed.ended and self.ended_by == FEED_ENDED:
            self._run_out(stop)

    def _ends(self, stop: Callable[[], bool]) -> bool:
        over = self.options.duration_s
        if stop():
            self.ended_by = STOPPED
        elif over is not None and self.mono() - self.started >= over * 1e9:
            self.ended_by = "time is up"
        elif self.linked and self.feed.ended and self.live.wants_rows:
            self.ended_by = FEED_ENDED
        else:
            self.ended_by = self.options.finished()
        return bool(self.ended_by)

    def _turn(self) -> None:
        """Do what can be done now, for some milliseconds at the most."""
        self._steer()
        if not self.linked:
            self._link_up()
            return
        if self.live.wants_rows:
            batch = self.feed.take(WAIT_S)
            if batch is not None:
                self.live.give_rows(batch.rows, batch.complete_through_ns)
                self.feed.acknowledge(batch.number)
        until = self.mono() + STEER_NS
        while not self.live.wants_rows and self.linked:
            self._advance(self.live.complete_ns)
            if self.mono() >= until:
                break
        if self.mono() >= self._next["house"]:
            self._keep_house()

    def _advance(self, target_ns: int) -> None:
        """Run towards `target_ns` as far as the venue's word goes; then ask the venue to come further."""
        live = self.live
        quiet = not live.has_open_orders()
        commands = live.run(target_ns if quiet else min(target_ns, self._known))
        if len(commands):
            self._send(commands, quiet)
        elif live.reached_ns < target_ns:
            through = min(live.next_ns(), max(target_ns + 1, 0)) + self.entry_ns
            self._bring_venue_to(min(through, FOREVER))

    def _send(self, commands: Commands, quiet: bool) -> None:
        """Hand commands over; from now on the venue's word holds until the first report that they could make."""
        first = self.live.commands - len(commands) + 1
        arrives = int(commands["ts_ns"].min())
        horizon = arrives + self.response_ns - 1
        self._known = horizon if quiet else min(self._known, horizon)
        try:
            self.broker.send(commands, first)
        except BrokerLost as error:
            self._lose_link(error)

    def _bring_venue_to(self, through_ns: int) -> None:
        try:
            reports = self.broker.advance(through_ns)
        except BrokerLost as error:
            self._lose_link(error)
            return
        self.live.answered = self.live.commands
        self.live.give_reports(reports)
        self._known = min(through_ns + self.response_ns, FOREVER)
        self.live.through_ns = max(self.live.through_ns, through_ns)

    def _lose_link(self, error: BrokerLost) -> None:
        """Stop the clock: what is under way stays under way until the venue has told."""
        self.linked = False
        self._known = -1
        self._note(str(error))

    def _link_up(self) -> None:
        """Log on, take what was missed, hand over again what never arrived; each failure waits longer."""
        if self.mono() < self._next["link"]:
            self.options.idle(WAIT_S)
            return
        try:
            known, missed = self.broker.logon(self.facts.session_id, self.live.reports)
            if known > self.live.commands:
                raise InputError(
                    f"the venue has {known} commands of this session, its journal {self.live.commands}: restore the "
                    "journal, or end the account's session there"
                )
            self.live.give_reports(missed)
            unsent = self.live.commands_after(known)
            if len(unsent):
                self.broker.send(unsent, known + 1)
            self.live.answered = known
            self.linked, self._failures = True, 0
            if self.live.awaits_reconcile:
                self._reconcile()
        except BrokerLost as error:
            self._note(str(error))
            self._next["link"] = self.mono() + BACK_OFF_NS[min(self._failures, len(BACK_OFF_NS) - 1)]
            self._failures += 1

    def _steer(self) -> None:
        now = self.mono()
        if now < self._next["steer"]:
            return
        self._next["steer"] = now + STEER_NS
        for directive in self.steering.pending():
            self._carry_out(directive)

    def _carry_out(self, directive: Directive) -> None:
        """Take one directive at the time reached; its cancels leave before it counts as done."""
        before = self.live.commands
        if directive.permit is not None:
            self._take_permit(directive.permit)
        elif directive.limits is not None:
            self._send_if_any(self.live.take_limits(directive.limits, self._now_ns()))
        elif directive.control is not None:
            assert self.live.journal is not None
            self.live.journal.append_meta(directive.to_meta())
            if reason := directive.facts.get("reason"):
                self._note(f"{directive.control.name}: {reason}")
            self._obey(directive.control, directive.argument)
        self.steering.done(directive, before)

    def _take_permit(self, permit: Permit) -> None:
        """Take a permit that is another one to the session; that it was renewed is none of its concern."""
        given = (permit.share_bps, permit.epoch)
        if given != self._permitted:
            self._permitted = given
            self.live.take_permit(permit)

    def _obey(self, control: Control, argument: int = 0) -> None:
        self._send_if_any(self.live.obey(control, argument, self._now_ns()))
        if control is Control.KILL_FRESH and self.linked:
            self._reconcile()

    def _send_if_any(self, commands: Commands) -> None:
        if len(commands) and self.linked:
            self._send(commands, quiet=False)  # what is not linked is handed over at the next logon

    def _now_ns(self) -> int:
        """Return the time of a control: the venue is ahead by the entry latency, and takes nothing into its past."""
        return self.live.through_ns - self.entry_ns if self.live.through_ns < FOREVER else 0

    def _reconcile(self) -> None:
        """Hold our books against the venue's; a break leaves only reductions."""
        try:
            asked = [int(order["order_id"]) for order in self.live.open_orders()]
            reports, venue = self.broker.settle(asked)
        except BrokerLost as error:
            self._lose_link(error)
            return
        self.live.give_reports(reports)
        self._known = -1
        found = breaks_of(self.live, venue)
        for text in found:
            self._note(f"books disagree: {text}")
        self._send_if_any(self.live.obey(Control.BREAK if found else Control.RECONCILED, 0, self._now_ns()))

    def _run_out(self, stop: Callable[[], bool]) -> None:
        """Behind the last row: let what is under way arrive, as a replay does."""
        while not stop():
            if not self.linked:
                self._link_up()
                continue
            live = self.live
            commands = live.run(FOREVER if not live.has_open_orders() else self._known)
            if len(commands):
                self._send(commands, not live.has_open_orders())
            elif live.reached_ns >= FOREVER:
                return
            else:
                self._bring_venue_to(FOREVER)

    def _keep_house(self) -> None:
        self._next["house"] = self.mono() + HOUSEKEEPING_NS
        self.live.drain()
        violations = self.live.recorder.violations
        if violations and not self._audit_failed:
            self._audit_failed = True
            self._note(f"auditor: {violations[0].text}; halted")
            self._obey(Control.HALT)
        try:
            beaten = self._heart.beat(dict(zip(COUNTS, self.live.counters(), strict=True)))
        except OSError as error:
            raise DiaryStalled(f"{self.folder}: telemetry cannot be written ({error}), trading stops") from error
        if beaten and self.options.progress is not None:
            self.options.progress(self.progress())

    def progress(self) -> LiveProgress:
        """Return where the session is."""
        live = self.live
        elapsed = (self.mono() - self.started) / 1e9
        counts, kill = counts_of(live.core), kill_of(live.core)
        return LiveProgress(live.reached_ns, elapsed, counts, live.nav(), live.positions(), self.linked, kill)

    def finish(self, identity: Identity) -> LiveResult:
        """Close link, streams and journal."""
        self.broker.close()
        self.feed.close()
        live = self.live
        replay.close(live.core)
        live.drain()
        digests = live.recorder.close()
        assert live.journal is not None
        live.journal.append_run(live.reached_ns)
        live.journal.append_meta({"closed": {"digests": digests, "by": self.ended_by, "notes": self.notes}})
        live.journal.close()
        self._heart.close(dict(zip(COUNTS, live.counters(), strict=True)))
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
        """End the journal in order: the same code goes on with it, another one from its end.

        What works at the venue stays; time stands still. Nothing is handed on while it is not known how far the venue
        has come and that it has all commands: another code could not send them again.
        """
        self._ask_for_the_last_reports()
        self.broker.close()
        self.feed.close()
        assert self.live.journal is not None
        self.live.journal.append_run(self.live.reached_ns)
        if self.live.answered == self.live.commands and (self.live.through_ns or not self.live.commands):
            hand_on(self.live, self.facts, identity, self.live.place())
            return
        self.live.recorder.abandon()
        self.live.journal.close()

    def _ask_for_the_last_reports(self) -> None:
        if not self.linked:
            return
        try:
            self.live.give_reports(self.broker.settle([])[0])
            self.live.answered = self.live.commands
        except BrokerLost as error:
            self._lose_link(error)

    def abandon(self) -> None:
        """Let everything go at once, behind a fault."""
        self.broker.close()
        self.feed.close()
        self.live.recorder.abandon()
        if self.live.journal is not None:
            self.live.journal.abandon()

    def _note(self, text: str) -> None:
        if text not in self.notes and len(self.notes) < 100:
            self.notes.append(text)
