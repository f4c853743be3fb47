"""Operator and runtime share no code, so what both state about topologies is compared here."""

import pytest
from pydantic import ValidationError

from alphatrade_operator.core.model import yaml_name
from alphatrade_operator.core.quantities import format_duration
from alphatrade_operator.strategy.genotype import TAKEN, ExecutionTopology, TopologyParams
from alphatrade_operator.strategy.render import snake
from alphatrade_runtime.execution.topology import NAMES, PARAMS


def written(name, value):
    return format_duration(value) if name.endswith("_ns") else value


def test_both_know_the_same_topologies_and_settings():
    assert {snake(kind): set(names) for kind, names in TAKEN.items()} == {
        name: {param.name for param in PARAMS[topology]} for name, topology in NAMES.items()
    }


@pytest.mark.parametrize("kind", TAKEN)
def test_both_have_the_same_bounds_and_the_documented_default(kind):
    for param in PARAMS[NAMES[snake(kind)]]:
        field = yaml_name(param.name)
        for value in (param.low, param.high, param.default):
            topology = ExecutionTopology.model_validate({"type": kind, "params": {field: written(param.name, value)}})
            assert topology.given() == {param.name: value}
        for value in (v for v in (param.low - 1, param.high + 1) if v >= 0):
            with pytest.raises(ValidationError):
                ExecutionTopology.model_validate({"type": kind, "params": {field: written(param.name, value)}})
        text = TopologyParams.model_fields[param.name].description or ""
        assert f"default {written(param.name, param.default)}" in text
