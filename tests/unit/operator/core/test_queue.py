"""The queue of keys: none is lost, none is worked on twice at once, and failures back off within bounds."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from alphatrade_operator.core.queue import BASE_S, JITTER, MAX_S, KeyQueue, backoff_s

KEYS = st.sampled_from("abc")


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


def queue_at(clock, chance=0.0):
    return KeyQueue(clock, lambda: chance)


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_backoff_stays_within_its_bounds(failures, chance):
    assert BASE_S <= backoff_s(failures, chance) <= MAX_S * (1 + JITTER)


@given(st.integers(1, 100))
def test_backoff_never_shrinks(failures):
    assert backoff_s(failures, 0.0) <= backoff_s(failures + 1, 0.0)


def test_a_key_added_many_times_is_worked_on_once():
    queue = queue_at(Clock())
    for _ in range(5):
        queue.add("a")
    assert (queue.take(), queue.take()) == ("a", None)


def test_the_earlier_of_two_times_counts():
    clock = Clock()
    queue = queue_at(clock)
    queue.add("a", 10.0)
    queue.add("a", 2.0)
    clock.now_s += 2.0
    assert queue.take() == "a"


def test_added_while_worked_on_comes_back_once_and_only_after():
    queue = queue_at(Clock())
    queue.add("a")
    assert queue.take() == "a"
    queue.add("a")
    assert queue.take() is None
    queue.succeed("a", None)
    assert (queue.take(), queue.take()) == ("a", None)


def test_a_key_that_is_done_is_forgotten():
    queue = queue_at(Clock())
    queue.add("a")
    queue.succeed(queue.take(), None)
    assert len(queue) == 0


def test_a_failed_key_waits_although_events_come():
    clock = Clock()
    queue = queue_at(clock)
    queue.add("a")
    queue.take()
    delay_s = queue.fail("a")
    queue.add("a")
    assert queue.take() is None
    clock.now_s += delay_s
    assert queue.take() == "a"


def test_a_new_spec_does_not_wait_for_the_failures_of_the_old_one():
    queue = queue_at(Clock())
    queue.add("a")
    queue.take()
    queue.fail("a")
    queue.add("a", fresh=True)
    assert (queue.take(), queue.failures("a")) == ("a", 0)


def test_a_spec_changed_while_the_old_one_failed_is_looked_at_at_once():
    queue = queue_at(Clock())
    queue.add("a")
    queue.take()
    queue.add("a", fresh=True)
    assert queue.fail("a") == 0.0
    assert queue.take() == "a"


def test_overdue_says_for_how_long_none_was_free():
    clock = Clock()
    queue = queue_at(clock)
    queue.add("a")
    clock.now_s += 7.0
    assert queue.overdue_s() == 7.0


def test_a_backlog_is_not_stuck_while_keys_are_taken():
    clock = Clock()
    queue = queue_at(clock)
    for number in range(50):
        queue.add(f"a{number}")
    for _ in range(40):
        clock.now_s += 10.0
        queue.take()
    assert (queue.overdue_s(), queue.stuck_s()) == (400.0, 0.0)
    clock.now_s += 10.0
    assert queue.stuck_s() == 10.0


def test_nothing_due_is_not_stuck_however_long_nothing_was_taken():
    clock = Clock()
    queue = queue_at(clock)
    clock.now_s += 1_000.0
    assert queue.stuck_s() == 0.0
    queue.add("a")
    clock.now_s += 3.0
    assert queue.stuck_s() == 3.0


def test_a_key_looked_at_again_and_again_takes_no_more_room():
    clock = Clock()
    queue = queue_at(clock)
    for _ in range(5_000):
        queue.add("a")
        assert queue.take() == "a"
        queue.succeed("a", 43_200.0)  # half of a certificate's life
        clock.now_s += 1.0
    assert len(queue._heap) < 100
    clock.now_s += 43_200.0
    assert (queue.take(), queue.take()) == ("a", None)


def test_workers_take_keys_as_they_come():
    async def scene():
        queue: KeyQueue[str] = KeyQueue(asyncio.get_running_loop().time, lambda: 0.0)
        seen = []

        async def work():
            while True:
                key = await queue.get()
                seen.append(key)
                queue.succeed(key, None)

        workers = [asyncio.create_task(work()) for _ in range(3)]
        await asyncio.sleep(0)
        for key in "abcabc":
            queue.add(key)
        queue.add("d", 0.02)
        await asyncio.sleep(0.1)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        return seen

    seen = asyncio.run(scene())
    assert sorted(seen) == ["a", "b", "c", "d"]
    assert seen[-1] == "d"


class Keys(RuleBasedStateMachine):
    """Every key that was added is worked on in the end, never by two workers, never before its back-off is over."""

    def __init__(self):
        super().__init__()
        self.clock = Clock()
        self.queue = queue_at(self.clock)
        self.owed = set()
        self.running = set()
        self.not_before_s = {}

    @rule(key=KEYS, delay_s=st.sampled_from([0.0, 1.0, 30.0]), fresh=st.booleans())
    def add(self, key, delay_s, fresh):
        self.queue.add(key, delay_s, fresh)
        self.owed.add(key)
        if fresh:
            self.not_before_s.pop(key, None)

    @rule()
    def take(self):
        key = self.queue.take()
        if key is not None:
            assert key not in self.running
            assert self.clock.now_s >= self.not_before_s.get(key, 0.0)
            self.running.add(key)
            self.owed.discard(key)

    @precondition(lambda self: self.running)
    @rule(look_again_s=st.sampled_from([None, 5.0]), data=st.data())
    def succeed(self, look_again_s, data):
        key = data.draw(st.sampled_from(sorted(self.running)))
        self.running.discard(key)
        self.not_before_s.pop(key, None)
        self.queue.succeed(key, look_again_s)
        if look_again_s is not None:
            self.owed.add(key)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def fail(self, data):
        key = data.draw(st.sampled_from(sorted(self.running)))
        self.running.discard(key)
        delay_s = self.queue.fail(key)
        assert 0.0 <= delay_s <= MAX_S * (1 + JITTER)
        self.not_before_s[key] = self.clock.now_s + delay_s
        self.owed.add(key)

    @rule(elapsed_s=st.sampled_from([0.1, 3.0, 80.0]))
    def pass_time(self, elapsed_s):
        self.clock.now_s += elapsed_s

    @invariant()
    def what_is_owed_is_kept(self):
        assert len(self.queue) >= len(self.owed | self.running)

    def teardown(self):
        for key in sorted(self.running):
            self.queue.succeed(key, None)
        self.clock.now_s += 10 * MAX_S
        found = []
        while (key := self.queue.take()) is not None:
            found.append(key)
        assert sorted(found) == sorted(set(found))
        assert self.owed <= set(found)


TestKeys = Keys.TestCase
