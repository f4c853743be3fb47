"""What every pod does as it starts."""

import os
import signal

import pytest

from alphatrade_runtime.market.faults import InputError
from alphatrade_runtime.service.transport.pod import on_signals, own_certificates
from certificates import identity_of

FEED = identity_of("feed", "btc")


def test_a_pod_takes_its_own_certificate(issue):
    assert own_certificates(issue(FEED), FEED).current().identity == FEED


def test_a_pod_does_not_take_the_certificate_of_another(issue):
    with pytest.raises(InputError, match=r"certificate of .*/feed/eth/.*, this pod is .*/feed/btc/"):
        own_certificates(issue(identity_of("feed", "eth")), FEED)


def test_a_pod_without_a_certificate_says_where_it_should_be(tmp_path):
    with pytest.raises(InputError, match=r"tls\.crt: No such file"):
        own_certificates(tmp_path, FEED)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_asks_the_pod_to_end(number):
    before = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        stop = on_signals()
        assert not stop.is_set()
        os.kill(os.getpid(), number)
        assert stop.wait(5)
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
