"""What every pod does at its start: its certificate, and the signals that end it in order."""

import signal
import threading
from pathlib import Path
from types import FrameType

from alphatrade.mtls import CertificateFault, Certificates
from alphatrade_runtime.market.faults import InputError


def own_certificates(folder: Path, identity: str) -> Certificates:
    """Return the pod's certificates. Raises InputError when there are none, or they are another pod's."""
    try:
        certificates = Certificates(folder)
    except CertificateFault as fault:
        raise InputError(str(fault)) from None
    issued = certificates.current().identity
    if issued != identity:
        raise InputError(f"{folder}: the certificate of {issued}, this pod is {identity}; let the operator issue it")
    return certificates


def stop_on_signals() -> threading.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stop = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask)
    return stop
