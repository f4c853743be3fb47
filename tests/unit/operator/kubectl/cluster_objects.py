"""Objects as the API server gives them, for the tests of `kubectl alphatrade`."""

import hashlib


def condition(status="True", reason="Trading", message="it trades", generation=1):
    return {
        "type": "Ready",
        "status": status,
        "reason": reason,
        "message": message,
        "observedGeneration": generation,
        "lastTransitionTime": "2026-01-05T10:00:00Z",
    }


def strategy(name="trend", namespace="dev", *, ready=None, generation=1, spec=None, **status):
    conditions = [] if ready is None else [ready]
    return {
        "kind": "Strategy",
        "metadata": {"name": name, "namespace": namespace, "uid": f"uid-{name}", "generation": generation},
        "spec": {
            "mode": "Paper",
            "marketDataFeedRef": {"name": "market"},
            "brokerConnectionRef": {"name": "paper"},
            "riskTemplateRef": {"name": "law"},
            **(spec or {}),
        },
        "status": {"conditions": conditions, **status},
    }


def kill_switch(name="halt-namespace", namespace="dev", *, generation=1, observed=1, mode="Halt", **status):
    return {
        "kind": "KillSwitch",
        "metadata": {"name": name, "namespace": namespace, "uid": f"uid-{name}", "generation": generation},
        "spec": {"mode": mode, "reason": "a test"},
        "status": {"observedGeneration": observed, **status},
    }


def obeyed(name="halt-namespace", namespace="dev", generation=1, latency_ms=7):
    return {"namespace": namespace, "name": name, "generation": generation, "mode": "Halt", "latencyMs": latency_ms}


def other(kind, name, *, ready=None, namespace="dev", spec=None, labels=None):
    return {
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": f"uid-{name}",
            "generation": 1,
            "labels": labels or {},
        },
        "spec": spec or {},
        "status": {"conditions": [] if ready is None else [ready]},
    }


def pod(name="st-trend-0", namespace="dev", *, ready=True, waiting=None, restarts=0):
    state = {"waiting": {"reason": waiting[0], "message": waiting[1]}} if waiting else {"running": {}}
    return {
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {}},
        "status": {
            "phase": "Pending" if waiting else "Running",
            "containerStatuses": [{"name": "strategy", "ready": ready, "restartCount": restarts, "state": state}],
        },
    }


def chain(*types, namespace="dev"):
    """Return ledger entries that follow one another."""
    entries, before = [], "0" * 64
    for sequence, kind in enumerate(types):
        record = f'{{"strategy":"trend","type":"{kind}"}}'
        entry_hash = hashlib.sha256(record.encode()).hexdigest()
        spec = {"sequence": sequence, "prevHash": before, "record": record, "entryHash": entry_hash}
        entries.append(
            {
                "apiVersion": "alphatrade.io/v1alpha1",
                "kind": "PolicyLedgerEntry",
                "metadata": {"name": f"ple-{sequence}", "namespace": namespace, "uid": f"uid-ple-{sequence}"},
                "spec": {**spec, "type": kind, "strategy": "trend"},
            }
        )
        before = entry_hash
    return entries
