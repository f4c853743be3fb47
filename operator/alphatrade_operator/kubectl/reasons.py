"""Every reason that a condition gives, what it means and what to do: the one place, from which the manual is made."""

from typing import NamedTuple


class Reason(NamedTuple):
    """What a reason means, and what to do about it; fix: empty when nothing is to be done."""

    means: str
    fix: str = ""


_LOG = "read the pod's log: `kubectl logs -n NAMESPACE POD`"
_OPERATORS_LOG = "look at the operator's log: `kubectl logs -n alphatrade-system deploy/alphatrade-operator`"
_OPERATORS_LOG = "look at the operator's log: `kubectl logs -n alphatrade-system deploy/alphatrade-operator`"
_AGAIN = "nothing: it goes on by itself"

# As it should be, or on its way there.
_GOOD = {
    "Trading": Reason("the strategy trades"),
    "Serving": Reason("the gateway serves"),
    "Ended": Reason("the feed has come to its end and so has the session; its records stay on the volume"),
    "Starting": Reason("the pod is being made or started", _AGAIN),
    "Preparing": Reason("the feed's tape is being written or read", _AGAIN),
    "Restarting": Reason("a new pod takes the new configuration", _AGAIN),
    "Draining": Reason("positions are closed in order before the pod goes", _AGAIN),
    "Deleting": Reason("it is being deleted and holds nothing any more", _AGAIN),
    "Suspended": Reason("the spec says that it is not to run", "set `spec.suspend: false`"),
    "WaitsForFeed": Reason("the feed does not serve what its spec says yet", "`kubectl alphatrade why mdf/NAME`"),
    "WaitsForStrategies": Reason("strategies get flat on the old feed before it is replaced", _AGAIN),
}

# What the spec says, or what it refers to.
_SPEC = {
    "InvalidSpec": Reason("a field is not acceptable; the message names it", "correct the field and apply again"),
    "ReferenceNotFound": Reason(
        "an object that the spec names is not in the namespace", "apply it, or correct the name"
    ),
    "ReferenceInvalid": Reason("an object that the spec names cannot be used as it is", "correct that object"),
    "ConfigMapNotFound": Reason("a plug-in's ConfigMap or its key is missing", "apply it, or correct the reference"),
    "PluginDigestMismatch": Reason(
        "the plug-in's file is not the one that was pinned",
        "write what `alphatrade plugin pin FILE` prints into `spec.plugins`",
    ),
    "FlagNotAllowed": Reason("a feature flag is above the operator's ceiling; it is off", "set the flag to false"),
    "PaceNotAllowed": Reason(
        "the mode faces a venue and the feed is not in real time", "set the feed's speed to Realtime"
    ),
    "LiveAdapterMissing": Reason("there is no adapter to a venue in this version", "use mode Sim or Paper"),
    "StageTooLow": Reason(
        "the policy was never promoted, and the operator's profile asks for that",
        "use mode Sim, or an operator of the dev profile",
    ),
    "InUse": Reason("it is being deleted while others refer to it", "delete those first, or point them elsewhere"),
}

# The law.
_LAW = {
    "AwaitsProposal": Reason(
        "limits were loosened; the tighter ones before stay in force",
        "tighten the RiskTemplate again; proposals that loosen come with a later version",
    ),
    "Latched": Reason(
        "trading was stopped and does not resume by itself: a kill switch, a drawdown or an audit violation",
        "in the dev profile: delete the BrokerConnection and its volume, then apply it anew; "
        "there is no other way in this version",
    ),
    "Halted": Reason("no order leaves; the message says what halts it", "remove the cause; it goes on by itself"),
    "Reducing": Reason("only orders that make a position smaller leave", "`kubectl get killswitches -A`"),
    "Flattening": Reason("positions are being closed", _AGAIN),
}

# Pods and their surroundings.
_PODS = {
    "Unschedulable": Reason("no node takes the pod", "make room, or change `spec.resources` or `spec.scheduling`"),
    "Evicted": Reason("the node removed the pod", "`kubectl describe pod -n NAMESPACE POD` says what it lacked"),
    "ImageCannotBePulled": Reason("the node cannot get the image", "correct the image, or load it into the nodes"),
    "ContainerCannotBeMade": Reason("a ConfigMap or Secret of the pod is missing", "add what the message names"),
    "OutOfMemory": Reason("the container needs more memory than it may have", "raise `spec.resources.limits.memory`"),
    "CrashLoop": Reason("the container ends again and again", _LOG),
    "Failed": Reason("the pod gave up; its message says why", _LOG),
    "PodSilent": Reason(
        "the pod does not answer the operator; it goes on under its last configuration",
        "look at NetworkPolicies between the namespaces, and at the pod's log",
    ),
    "ConfigurationRefused": Reason("the pod goes on with the configuration before", "correct what the message names"),
    "DrainRefused": Reason("the pod will not get flat", "the message says how to abandon its positions"),
    "ArtifactStoreMissing": Reason(
        "a tape is to be read and the operator has no artifact store",
        "set `artifactStore` in the chart's values, or use a simulator",
    ),
}

REASONS: dict[str, Reason] = {**_SPEC, **_LAW, **_PODS, **_GOOD}


def fix_of(reason: str) -> str:
    """Return what to do about a reason; where it is not known, where to look."""
    known = REASONS.get(reason)
    return known.fix if known else _OPERATORS_LOG
