"""Live objects as models."""

from alphatrade_operator.core.live import read
from alphatrade_operator.risk_template.model import RiskTemplate

SPEC = {"instruments": [{"symbol": "AAA", "maxPositionLots": 100, "maxOrderLots": 10}]}


def test_an_annotation_as_long_as_the_server_takes_makes_no_law_unreadable():
    applied = {"kubectl.kubernetes.io/last-applied-configuration": "x" * (255 << 10)}  # of a law with many instruments
    metadata = {"name": "law", "namespace": "desk", "annotations": applied}
    manifest = {"apiVersion": "alphatrade.io/v1alpha1", "kind": "RiskTemplate", "metadata": metadata, "spec": SPEC}
    assert isinstance(read(RiskTemplate, manifest), RiskTemplate)
