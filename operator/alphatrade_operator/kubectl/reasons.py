"""Every reason that a condition or an event gives, what it means and what to do: the source of the manual's table."""

from typing import NamedTuple


class Reason(NamedTuple):
    """What a reason means, and what to do about it; fix: empty when nothing is to be done."""

    means: str
    fix: str = ""


_LOG = "read the pod's log: `kubectl logs -n NAMESPACE POD`"
_OPERATORS_LOG = "read the operator's log: `kubectl logs -n alphatrade-system deploy/alphatrade-operator`"
_AGAIN = "nothing: it goes on by itself"
_WAY_OUT = (
    "in the dev profile: delete the BrokerConnection and its volume, then apply it again; this version has no other way"
)
_ROLL = "`kubectl alphatrade roll NAME`, or wait"
_STARTS_ANEW = "nothing: the operator issues another"

_GOOD = {
    "Trading": Reason("the strategy trades"),
    "Serving": Reason("the gateway serves"),
    "Ended": Reason("the feed has come to its end and so has the session; its records stay on the volume"),
    "InForce": Reason("the limits, or the exploration budget, are in force"),
    "Permitted": Reason("a share of the flow may explore"),
    "NothingWaits": Reason("the limits in force are those of the spec"),
    "Armed": Reason("the kill switch engages nothing"),
    "Acknowledged": Reason("every runtime that the kill switch means has obeyed"),
    "Starting": Reason("the pod is being made or started", _AGAIN),
    "Preparing": Reason("the feed's tape is being written or read", _AGAIN),
    "Restarting": Reason("a new pod takes the new configuration", _AGAIN),
    "Draining": Reason("positions are closed in order before the pod goes", _AGAIN),
    "Deleting": Reason("it is being deleted and holds nothing any more", _AGAIN),
    "WaitsForStrategies": Reason("strategies get flat on what was there before, then it is replaced", _AGAIN),
    "WaitsForGateway": Reason(
        "feed or account do not serve what their spec says yet", "`kubectl alphatrade why mdf/NAME`"
    ),
    "Rolling": Reason("its pod ends in order; the next one is of the new version", _AGAIN),
    "WaitsForSessionBreak": Reason("its pod is of an older version; it rolls in the session break", _ROLL),
    "NoSessionBreak": Reason("its pod is of an older version, and its market never closes", _ROLL),
    "WaitsForStrategy": Reason("another Strategy of its account rolls first", _AGAIN),
    "WaitsForItsUsers": Reason("who uses the gateway rolls first", _ROLL),
    "KillSwitchFlattens": Reason("its pod is of an older version, and a kill switch flattens positions", _AGAIN),
    "PodBusy": Reason("its pod is of an older version, and starts, gets flat or has no order session", _AGAIN),
    "Suspended": Reason("the spec says that it is not to run", "set `spec.suspend: false`"),
}

_SPEC = {
    "NamespaceNotTrading": Reason(
        "the namespace is not labelled for trading", "`kubectl label namespace NAME alphatrade.io/trading=true`"
    ),
    "InvalidSpec": Reason("a field is not acceptable; the message names it", "correct the field and apply again"),
    "ReferenceNotFound": Reason("what the spec names is not there", "apply it in this namespace, or correct the name"),
    "ReferenceInvalid": Reason("what the spec names cannot be used as it is", "correct that object"),
    "RiskTemplateMissing": Reason("the RiskTemplate is not there", "apply it in this namespace"),
    "ConfigMapNotFound": Reason("a plug-in's ConfigMap or its key is missing", "apply it, or correct the reference"),
    "PluginDigestMismatch": Reason(
        "the plug-in's file is not the one that was pinned",
        "write what `alphatrade plugin pin FILE` prints into `spec.plugins`",
    ),
    "PaceNotAllowed": Reason("the mode faces a venue; the feed is not in real time", "set its speed to Realtime"),
    "LiveAdapterMissing": Reason("there is no adapter to a venue in this version", "use mode Sim or Paper"),
    "InUse": Reason("it is being deleted while others refer to it", "delete those first, or point them elsewhere"),
    "ControllerNotBuilt": Reason("this version only stores objects of this kind", "the message says what to use"),
}

_LAW = {
    "FlagNotAllowed": Reason(
        "a feature flag is above the operator's ceiling; it is off",
        "set the flag to false, or raise `operator.featureFlagCeilings` of the chart",
    ),
    "LawNotInstalled": Reason(
        "an admission policy is missing, was changed, or is not in force: nothing goes live, nothing is promoted",
        "`helm upgrade --install alphatrade-crds charts/alphatrade-crds -n alphatrade-system --reuse-values`",
    ),
    "LimitAboveCeiling": Reason(
        "a limit in force is looser than the operator's ceiling for the mode; the message names both",
        "tighten it in the RiskTemplate; the ceilings are `operator.limitCeilings` of the chart's values",
    ),
    "StageTooLow": Reason(
        "the policy was never promoted, and the operator's profile asks for that",
        "use mode Sim, or an operator of the dev profile",
    ),
    "Loosened": Reason(
        "limits were loosened; the tighter ones from before stay in force",
        "put the tighter limits back, or refer to as tight ones; a proposal that loosens comes with a later version",
    ),
    "LawUnreadable": Reason("the limits in force were written by another version", "run the operator that wrote them"),
    "LawAmbiguous": Reason(
        "strategies of one account obey several RiskTemplates", "set the account's `riskTemplateRef`"
    ),
    "LimitsMissing": Reason("the account's RiskTemplate lacks an instrument", "add its entry to the RiskTemplate"),
    "InstrumentTermsDiffer": Reason(
        "strategies of one account read feeds that disagree about an instrument",
        "correct the feed, or give the strategy an account of its own",
    ),
    "CalendarsDiffer": Reason("strategies of one account have several calendars", "give it an account of its own"),
    "NobodyMatches": Reason("the kill switch means no strategy", "check its selector, scope and namespace"),
    "NotAcknowledged": Reason(
        "a runtime has not said that it obeyed: take it as not stopped",
        "`kubectl alphatrade why NAME`; a pod that does not answer can be deleted, its latch is in its journal",
    ),
    "ScopeNotAllowed": Reason("scope Cluster counts in the operator's namespace only", "apply it there"),
    "Latched": Reason(
        "trading was stopped and does not resume by itself: a kill switch, a drawdown or an audit violation", _WAY_OUT
    ),
    "Halted": Reason("no order leaves; the message says what halts it", "remove the cause; it goes on by itself"),
    "Reducing": Reason("only orders that make a position smaller leave", "`kubectl get killswitches -A`"),
    "Flattening": Reason("positions are being closed", _AGAIN),
}

_PODS = {
    "Unschedulable": Reason("no node takes the pod", "make room, or change `spec.resources` or `spec.scheduling`"),
    "ClaimNotFound": Reason(
        "a volume that the pod mounts is not there, such as that of the artifact store",
        "make the PersistentVolumeClaim that the message names; `artifactStore.namespaces` of the chart does it too",
    ),
    "Evicted": Reason("the node removed the pod", "`kubectl describe pod -n NAMESPACE POD` says what it lacked"),
    "ImageCannotBePulled": Reason("the node cannot get the image", "correct the image, or load it into the nodes"),
    "ContainerCannotBeMade": Reason("a ConfigMap or Secret of the pod is missing", "add what the message names"),
    "OutOfMemory": Reason("the container needs more memory than it may have", "raise `spec.resources.limits.memory`"),
    "CrashLoop": Reason("the container ends again and again", _LOG),
    "Failed": Reason("the pod gave up; its message says why", _LOG),
    "PodSilent": Reason(
        "the pod does not answer the operator; it goes on under its last configuration",
        "look at the pod's log, and at NetworkPolicies between the namespaces",
    ),
    "ProtocolTooOld": Reason(
        "the pod is of a version before the one before the operator's: it is neither asked nor told anything",
        "upgrade by way of the version between, or `kubectl alphatrade roll NAME`",
    ),
    "ProtocolTooNew": Reason("the pod is of a version far behind the operator's", "run the newer operator again"),
    "ConfigurationRefused": Reason("the pod goes on with the configuration before", "correct what the message names"),
    "DrainRefused": Reason("the pod will not get flat", "the message says how to abandon its positions"),
    "Refused": Reason("the API server refused a change of the operator's", "do what the message says"),
    "InternalError": Reason("a fault of the operator; other objects go on", f"{_OPERATORS_LOG}, and report it"),
}

_FEEDS = {
    "ArtifactStoreMissing": Reason(
        "a tape is to be read and the operator has no artifact store",
        "set `artifactStore` in the chart's values, or use a simulator",
    ),
    "ArtifactStoreNotShared": Reason(
        "the artifact store's claim can be mounted on one node only, and the cluster may have several",
        "make the claim ReadWriteMany, or set `artifactStore.singleNode: true` in the chart's values on one node",
    ),
    "TapeMissing": Reason(
        "there is no tape at that path", "put it into the artifact store, or correct `spec.tape.path`"
    ),
    "TapeOutsideStore": Reason("the path leaves the artifact store", "write a path that starts in it"),
    "TapeDamaged": Reason("the tape's bytes are not those that were written", "import or copy it again"),
    "TapeNotWritten": Reason("the simulated tape could not be written", "make room on the feed's volume"),
    "SimulatorConfigInvalid": Reason("the simulator does not take its config", "correct `spec.simulator.config`"),
    "InstrumentsDiffer": Reason("the tape's instruments are not those of the spec", "correct `spec.instruments`"),
    "BarsHaveNoPace": Reason(
        "a tape of bars only is not served by a gateway", "replay it in one process: `alphatrade replay`"
    ),
}

_RUNTIME = {
    "Loading": Reason("compiled code is being loaded", _AGAIN),
    "Opening": Reason("the feed's tape is being opened", _AGAIN),
    "Simulating": Reason("the simulated market is being written", _AGAIN),
    "KillSwitchesNotListed": Reason(
        "no order leaves before the kill switches were read once",
        "see that the runtime reaches the API server, and that its role may list KillSwitches",
    ),
    "KillSwitchesStale": Reason(
        "the kill switches were not read for `killSwitch.maxStaleness`: trading halts",
        "see that the API server answers; it goes on by itself after that",
    ),
    "FeedNotConnected": Reason("the feed delivers nothing", "`kubectl alphatrade why mdf/NAME`"),
    "BrokerNotLinked": Reason("the account's order session is not on", "`kubectl alphatrade why bc/NAME`"),
    "Resuming": Reason("what halted it is over; it waits for good quotes and books that agree", _AGAIN),
    "KillSwitch": Reason("a KillSwitch was engaged; the message names it", _WAY_OUT),
    "HaltHoldsPosition": Reason(
        "it was halted with a position, which stays",
        "engage a KillSwitch with mode Flatten; it works on what is latched",
    ),
    "AccountLatched": Reason(
        "a kill switch stopped another strategy of its account, so none may begin there", _WAY_OUT
    ),
    "Drawdown": Reason("the loss since the highest value passed its limit", _WAY_OUT),
    "AuditorViolation": Reason("the books do not add up: an incident", "keep the volumes; `alphatrade diary verify`"),
    "CannotFlatten": Reason(
        "the position cannot be closed within the slippage", "wait for a book, or allow more slippage"
    ),
    "FeedEnded": Reason("the feed has come to its end; the records stay on the volume"),
    "TapeEnded": Reason("the tape has been played to its end", "make a new feed to play it again"),
    "Drained": Reason("flat; it trades no more"),
    "PluginInvalid": Reason("the plug-in's file cannot be used", "`alphatrade plugin check FILE`"),
    "InvalidSession": Reason("the session cannot run; the message says why", "correct what it names"),
    "BrokerRefuses": Reason("the account's gateway refused the session", "the message says why"),
    "FeedDiffers": Reason("the feed is another than the session began on", "restore the feed, or make a new Strategy"),
    "JournalOfOtherCode": Reason(
        "the journal is of another version and was not closed in order",
        "go back to the image that wrote it: `helm rollback`, let the pod start, then upgrade again",
    ),
    "CarryOfNewerVersion": Reason(
        "a newer version closed the journal in a form that this one does not know",
        "go back to the image that wrote it; the message names its form",
    ),
    "CarryDamaged": Reason("the journal's last record cannot be trusted", "restore the volume; do not trade on it"),
    "JournalDamaged": Reason("the journal cannot be read", "keep the volume; a new Strategy starts a new one"),
    "JournalStalled": Reason("the journal cannot be written: trading stops", "look at the volume"),
    "DiskFull": Reason("the volume is full: trading stops, no record is dropped", "make the volume larger"),
    "VolumeNotWritable": Reason("the pod's volume cannot be written", "make room, or look at the volume"),
}

_QUIET = "nothing: it explores again after `release.quietDecisions` decisions without a cause"
_ASKS_AGAIN = "nothing: the runtime asks again within seconds"

_EXPLORATION = {
    "DriftAlert": Reason("the strategy no longer does what it did: exploration is frozen", _QUIET),
    "DriftWarning": Reason("a drift detector warns: exploration is frozen", _QUIET),
    "DrawdownFreeze": Reason("the loss passed the budget's `freeze.drawdownBps`: exploration is frozen", _QUIET),
    "NearMissFreeze": Reason("near-misses passed `freeze.nearMissShareBps`: exploration is frozen", _QUIET),
    "StrategyHeld": Reason("the strategy is halted, killed or may only reduce: exploration is frozen", _QUIET),
    "NoShare": Reason("the budget's `maxFlowShareBps` is 0: people froze it", "raise it in the ExplorationBudget"),
    "FlagOff": Reason("the Strategy's flag exploration is off", "set `spec.featureFlags.exploration: true`"),
    "LiveMode": Reason("Live and LiveShadow explore nothing", "use mode Sim or Paper"),
    "BudgetNotNamed": Reason("the Strategy names no ExplorationBudget", "set `spec.explorationBudgetRef`"),
    "BudgetMissing": Reason("the ExplorationBudget is not there", "apply it in this namespace"),
    "BudgetInvalid": Reason("the ExplorationBudget cannot be read", "correct the field that its Ready condition names"),
    "BudgetDeleting": Reason("the ExplorationBudget is being deleted", "name another one"),
    "UnknownIdentity": Reason("who asks is no Strategy of the cluster, or one that is gone", _ASKS_AGAIN),
    "NotReporting": Reason("the operator has not heard lately what the pod does", "see `PodSilent`"),
    "NotLeading": Reason("the operator that was asked stands by", _ASKS_AGAIN),
    "CacheNotSynced": Reason("the operator that was asked does not know the cluster yet", _ASKS_AGAIN),
    "EpochTooLow": Reason("the runtime did not know the operator's epoch yet; it learns it so", _ASKS_AGAIN),
    "EpochTooHigh": Reason("the operator that was asked has been replaced", _ASKS_AGAIN),
    "EpochUnknown": Reason("the pod cannot read or keep the epoch of its operator", _LOG),
    "NotAsked": Reason("the runtime has not asked for a permit yet", _ASKS_AGAIN),
    "OperatorUnreachable": Reason(
        "the operator does not answer: exploration ends with the last permit, trading goes on",
        "look at the operator's pod, and at NetworkPolicies between the namespaces",
    ),
    "OperatorReplaced": Reason("an operator of the past answered", _ASKS_AGAIN),
    "BadAnswer": Reason(
        "the operator's answer is not one of this version", "run operator and runtime of near versions"
    ),
    "PermitExpired": Reason("the permit came to its end and was not renewed", _OPERATORS_LOG),
}

_CERTIFICATES = {
    "AuthorityMissing": Reason("there was no certificate authority yet", _STARTS_ANEW),
    "AuthorityDamaged": Reason("the authority's Secret cannot be used", _STARTS_ANEW),
    "AuthorityExpiring": Reason("the authority comes to its end; a new one takes over", _STARTS_ANEW),
    "CertificateMissing": Reason("a pod had no certificate yet", _STARTS_ANEW),
    "CertificateDamaged": Reason("a pod's certificate cannot be used", _STARTS_ANEW),
    "CertificateForeign": Reason("a pod's certificate is of another authority", _STARTS_ANEW),
    "CertificateOfAnother": Reason("a pod's certificate carries another identity", _STARTS_ANEW),
    "CertificateRenewed": Reason("half of the certificate's life was over", _STARTS_ANEW),
    "TrustChanged": Reason("a pod has to trust another authority too", _STARTS_ANEW),
}

GROUPS: dict[str, dict[str, Reason]] = {
    "What a spec says, or refers to": _SPEC,
    "The law and what stops trading": _LAW,
    "Pods": _PODS,
    "Feeds": _FEEDS,
    "What a strategy's runtime or a gateway says of itself": _RUNTIME,
    "Why nothing explores": _EXPLORATION,
    "Certificates between pods": _CERTIFICATES,
    "As it should be, or on the way there": _GOOD,
}
REASONS: dict[str, Reason] = {name: reason for group in GROUPS.values() for name, reason in group.items()}


def fix_of(reason: str) -> str:
    """Return what to do about a reason; where it is not known, where to look."""
    known = REASONS.get(reason)
    return known.fix if known else _OPERATORS_LOG
