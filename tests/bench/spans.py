"""What each benchmark is called, and between which two moments it measures."""

TITLES = {
    "P1": "Replay of seeded top-of-book quotes",
    "P1-walk": "The same on a random walk",
    "P1-bars": "The same strategy on bars",
    "P2": "A capture's quotes and trades, fill by fill",
    "P4": "What the understanding loop costs a decision",
    "P5a": "Decision latency in the live path, queues empty",
    "P5a-mind": "The same with the understanding loop on",
    "P5a-flip": "From a confirmed regime to the order of its topology",
    "P5b": "A capture at its own arrival times",
    "P5c": "From market data to the venue through three pods",
    "P6": "A decision over gRPC",
    "P7": "The law on one order",
    "P8": "A kill switch on a cluster",
    "P9": "A thousand suspended Strategies at once",
    "P9-silent": "Strategies whose pods never answer",
    "P10": "Cost growth",
    "P10-objects": "Cost growth of the operator",
    "P11": "A strategy's pod starts",
}
SPANS = {
    "P1": "Ours: tape in memory to the last diary segment hashed and closed as Arrow IPC on a memory disk, law on, "
    "diary on. Peers: the engine's run alone; building it and converting data are left out. One core, latency 0.",
    "P1-walk": "As P1, whose prices lean one way for a while; a plain walk turns a quarter more often, and so has more "
    "orders. Each order leaves six rows in the records, which the peers do not keep: this is where they cost most.",
    "P1-bars": "As P1; peers with their portfolio's final value, which their users read too.",
    "P2": "As P1, `10 ms` in and `10 ms` out, risk-averse queue, no partial fills; the capture is put behind itself "
    "until there are as many rows as in P1, so that the cost of a row is measured and not that of starting.",
    "P4": "P1's span on its first fifth, a decision for each quote, two policies of two averages each, 12 features and "
    "512 neurons; parts are put on one after the other. `each ns` is the whole replay by its decisions, with diary and "
    "orders; of the belief step, and of the bare compiled product of one matrix with one vector, one of them in a "
    "loop of nothing else. The capture's quotes and trades are at the default decision clock.",
    "P5a": "From a quote handed to the data side until the broker client has the order.",
    "P5a-mind": "As P5a, with belief, fast weights, router, regimes, probes and drift on, and two policies to choose "
    "from. The peer does none of that: it is there as in P5a.",
    "P5a-flip": "As P5a-mind, on a market that leans one way for a while: one policy is long where the market rises, "
    "the other short by another topology wherever else it is. From the quote that confirms a regime in which the other "
    "one trades, handed to the data side, until the broker client has its order. `switches` counts them, `at once` "
    "those whose order left at the very decision that confirmed the regime.",
    "P5b": "From the time at which a row of the capture arrived, by its own clock, until the step that took it is over "
    "and its orders, if any, are in the journal and with the broker client; for each row, the first two seconds of a "
    "session left out. Real time, at most a minute of the capture; what arrived together is taken at once and "
    "decided on once; everything on, default decision clock, exchange in the same process. After each run the "
    "journal is replayed and has to give the same bytes.",
    "P5c": "Feed gateway, strategy runtime and broker gateway as processes of their own on the loopback, mTLS, in real "
    "time, a quote each `10 ms` and an order for each. From the time at which a row is due at the feed gateway until "
    "its order is in the broker gateway's log, the account's law and both journals included; on the way to and from a "
    "real venue a socket would be added at each end. The bare chains pass messages of the same sizes at the same pace "
    "from process to process: two hops are what lies between our three processes, three what the target speaks of. "
    "`colocated: true` is not built.",
    "P6": "From an event handed to the client's stream until its answer is there; mTLS on the loopback, client and "
    "server in processes of their own, one event at a time. The echo gives back the same bytes unread.",
    "P7": "All checks on one order.",
    "P8": "From `kubectl apply` of a KillSwitch returned until a runtime's pod lets nothing pass but what the mode "
    "allows, latched on its volume: 20 pods that trade in real time, 10 engagements, all pooled; `last` is the last "
    "pod of an engagement. Beside them, in the same engagements, as many bare watch clients, each a process of its own "
    "in a pod: until it has read the event. By the time of day of the one host; below zero is before kubectl had "
    "returned. The first engagement finds them trading, each later one is another KillSwitch that they latch and "
    "acknowledge anew.",
    "P9": "From the first create until every Strategy has its seven children (account, two bindings, configuration, "
    "Service, StatefulSet of no pod, certificate) and says that it is suspended. The peer makes children of the same "
    "bytes for as many objects of its own, and one status: a minimal controller that watches its children and writes "
    "none that is as it was applied last. Each is alone on the cluster; both may send the same requests a second and "
    "work on as many objects at once. Ours also issues a key and a certificate for each, sets a finalizer and tells "
    "events. One node with API server and etcd on the same cores; warm-up is the time until all were created.",
    "P9-silent": "Strategies that are to trade, on nodes played by kwok: their pods run, and nothing answers when the "
    "operator asks them. Until all pods run; then a minute at rest; then KillSwitches that mean all of them, one each "
    "half second, each from its create returned until the operator says who is silent.",
    "P10": "P1 at three lengths, each in a process of its own; memory is the peak of the process.",
    "P10-objects": "Ours of P9 at three numbers of objects, once each.",
    "P11": "From the scheduler's event that the pod is given to its node (container and network are still to be made) "
    "until the first decision on a quote that could trade: kill switches listed, feed subscribed, order session "
    "reconciled. Each start is a new Strategy's; feed and account serve already; medians of the starts.",
}
