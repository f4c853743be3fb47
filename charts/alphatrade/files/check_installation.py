"""`helm test`: the operator says that it is ready, and the API server serves every kind. Standard library only."""

import json
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
API = "https://kubernetes.default.svc/apis/alphatrade.io/v1alpha1"
PLURALS = {
    "brokerconnections",
    "evolutions",
    "explorationbudgets",
    "governanceproposals",
    "killswitches",
    "marketdatafeeds",
    "policyledgerentries",
    "reflections",
    "replays",
    "risktemplates",
    "signoffs",
    "strategies",
}
WAIT_S = 20.0


def operator_ready(url: str) -> str:
    """Say what is wrong with the operator; empty when it is ready."""
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=5):
            return ""
    except urllib.error.HTTPError as error:
        return f"operator: {url}/readyz says {error.code}: {error.read(500).decode('utf-8', 'replace').strip()}"
    except OSError as error:
        return f"operator: {url}/readyz does not answer: {error}; look at: kubectl logs deploy/alphatrade-operator"


def kinds_served() -> str:
    """Say which kinds the API server does not serve; empty when it has them all."""
    context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    headers = {"Authorization": f"Bearer {(ACCOUNT / 'token').read_text()}"}
    try:
        with urllib.request.urlopen(urllib.request.Request(API, headers=headers), timeout=5, context=context) as answer:
            served = {resource["name"] for resource in json.load(answer)["resources"]}
    except OSError as error:
        return f"custom resources: {error}; install the chart alphatrade-crds"
    missing = sorted(PLURALS - served)
    return f"custom resources: {', '.join(missing)} missing; upgrade the chart alphatrade-crds" if missing else ""


def main() -> int:
    """Ask until all is well or the time is over; return the exit code."""
    url, deadline = sys.argv[1], time.monotonic() + WAIT_S
    while True:
        problems = [text for text in (operator_ready(url), kinds_served()) if text]
        if not problems or time.monotonic() > deadline:
            break
        time.sleep(1.0)
    print("\n".join(problems) or f"the operator is ready; {len(PLURALS)} kinds are served", flush=True)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
