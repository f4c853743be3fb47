"""The children of a suspended Strategy as the operator renders them, to be made for a Parcel by P9's peer.

Names of ours are replaced by others as long, so that the same bytes are written and nothing of ours feels meant.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from alphatrade_operator.core.plan import Key, Manifest
from alphatrade_operator.kube.compare import with_digest
from alphatrade_operator.kube.store import Store
from alphatrade_operator.kube.view import CacheView
from alphatrade_operator.pki.authority import Authority, issue, new_authority, read_pair
from alphatrade_operator.pki.render import render_leaf
from alphatrade_operator.pods.reports import Reports
from alphatrade_operator.settings import Settings
from alphatrade_operator.strategy.decide import decide
from alphatrade_operator.strategy.facts import gather

PEER = "benchpeers"  # as long as the name that it stands for
SYSTEM = f"{PEER}-system"
_UID = "00000000-0000-4000-8000-000000000000"


def templates(namespace: str, documents: list[dict[str, Any]], strategy: str, image: str) -> list[dict[str, Any]]:
    """Return the children's manifests. documents: the Strategy and all that it refers to.

    @NAME@ and @UID@ in them stand for those of the Parcel, whose names are as long as the Strategy's.
    """
    settings = Settings(runtime_image=image, experiment_may_paper=True)
    store, now = Store(), datetime.now(UTC)
    for document in documents:
        store.put(document["kind"], _live(document, namespace))
    view = CacheView(settings, store, Reports(1.0, lambda: 0.0), lambda: 1, lambda: None)
    facts = gather(view, Key("Strategy", namespace, strategy))
    plan = decide(facts, now)
    children = [*map(with_digest, plan.children), *(_secret(one, now, settings) for one in plan.certificates)]
    text = json.dumps(children).replace("alphatrade", PEER)
    child = facts.child
    text = text.replace(child.name, f"st-@NAME@-{child.name[-8:]}").replace(_UID, "@UID@").replace(strategy, "@NAME@")
    found: list[dict[str, Any]] = json.loads(text)
    return found


def _live(document: dict[str, Any], namespace: str) -> Manifest:
    metadata = {"namespace": namespace, "uid": _UID, "generation": 1, "resourceVersion": "1"}
    return {**document, "metadata": {**document["metadata"], **metadata}}


def _secret(certificate: Any, now: datetime, settings: Settings) -> dict[str, Any]:
    pair = new_authority(now)
    authority = Authority(pair, read_pair(pair), pair.certificate)
    names = (f"{certificate.name}.{certificate.namespace}.svc",)
    lifetime = timedelta(seconds=settings.certificate_lifetime_s)
    leaf = issue(authority, certificate.identity, names, now, lifetime)
    return render_leaf(certificate, leaf, authority.trusted)
