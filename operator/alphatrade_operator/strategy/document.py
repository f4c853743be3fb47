"""The configuration of a strategy's pod: rendered from its parts, read back, turned into one that drains. Pure."""

from pathlib import Path

from pydantic import ValidationError

from alphatrade import names
from alphatrade.config import Endpoint, KillScope, StrategyConfig, to_json
from alphatrade_operator.core.selector import selectable_labels
from alphatrade_operator.render import Places, render_document
from alphatrade_operator.session import Parts
from alphatrade_operator.settings import FeatureFlagCeilings
from alphatrade_operator.strategy.model import FeatureFlags, Plugin, Strategy
from alphatrade_operator.workload.child import Child


def render_trading(
    child: Child, parts: Parts, feed: Endpoint, broker: Endpoint | None, operator_namespace: str
) -> bytes:
    """Return the configuration of a pod that trades. parts: checked, flags within the ceilings."""
    plugins = tuple(plugin_path(index, plugin) for index, plugin in enumerate(parts.spec.plugins))
    return to_json(
        StrategyConfig(
            owner=child.owner,
            identity=child.identity,
            session=render_document(parts, Places(Path(), plugins)),
            feed=feed,
            broker=broker,
            kill=KillScope(
                own_namespace=child.namespace,
                operator_namespace=operator_namespace,
                labels=selectable_labels(parts.strategy.metadata),
            ),
            run="Trade",
            permits=_permits(operator_namespace) if parts.by_permit else None,
        )
    )


def _permits(operator_namespace: str) -> Endpoint:
    identity = names.operator_identity(operator_namespace)
    return Endpoint(target=f"{names.server_name(identity)}:{names.GRPC_PORT}", identity=identity)


def plugin_path(index: int, plugin: Plugin) -> str:
    """Return where a plug-in lies in the pod: the file of a ConfigMap, or the folder that an image was copied to."""
    folder = f"{names.PLUGINS_FOLDER}/{index}"
    return f"{folder}/{plugin.config_map_ref.key}" if plugin.config_map_ref else folder


def read_config(text: str | bytes | None) -> StrategyConfig | None:
    """Return a configuration as it was rendered; None when there is none, or none of this version."""
    try:
        return None if text is None else StrategyConfig.model_validate_json(text)
    except ValidationError:
        return None


def draining(document: bytes) -> bytes:
    """Return a configuration that gets flat in order and trades no more, and else is the same.

    Raises ValueError when it is no configuration of a strategy.
    """
    return to_json(StrategyConfig.model_validate_json(document).model_copy(update={"run": "Drain"}))


def flags_above(flags: FeatureFlags, ceilings: FeatureFlagCeilings) -> list[str]:
    """Return the YAML names of the flags that are set above their ceilings."""
    return [
        field.alias or name
        for name, field in FeatureFlags.model_fields.items()
        if getattr(flags, name) and not getattr(ceilings, name)
    ]


def within(strategy: Strategy, ceilings: FeatureFlagCeilings) -> Strategy:
    """Return a Strategy whose flags are off where the ceilings are."""
    spec = strategy.spec
    off = {name: False for name in FeatureFlags.model_fields if not getattr(ceilings, name)}
    flags = spec.feature_flags.model_copy(update=off)
    return strategy.model_copy(update={"spec": spec.model_copy(update={"feature_flags": flags})})
