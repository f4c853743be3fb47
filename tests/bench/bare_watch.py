"""P8's peer: bare watch clients, each a process with one watch, that say when a KillSwitch came. Runs in a pod.

python bare_watch.py CLIENTS NAMESPACE
"""

import json
import os
import ssl
import sys
import time
from http.client import HTTPSConnection
from pathlib import Path

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
WATCHING = "watching"


def say(*words: object) -> None:
    """Print a line in one write: all clients share the output."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def watch(namespace: str) -> None:
    """Say name and time of day, ns since the epoch, of each KillSwitch that is added."""
    context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], int(os.environ["KUBERNETES_SERVICE_PORT"])
    connection = HTTPSConnection(host, port, context=context)
    path = f"/apis/alphatrade.io/v1alpha1/namespaces/{namespace}/killswitches?watch=1&timeoutSeconds=3600"
    connection.request("GET", path, headers={"Authorization": f"Bearer {(ACCOUNT / 'token').read_text()}"})
    response = connection.getresponse()
    say(WATCHING, response.status)
    while line := response.readline():
        arrived_ns = time.time_ns()
        event = json.loads(line)
        if event["type"] == "ADDED":
            say(event["object"]["metadata"]["name"], arrived_ns)


def main() -> None:
    """Start the clients and wait for them."""
    clients = int(sys.argv[1])
    for _ in range(clients):
        if os.fork() == 0:
            watch(sys.argv[2])
            os._exit(0)
    for _ in range(clients):
        os.wait()


if __name__ == "__main__":
    main()
