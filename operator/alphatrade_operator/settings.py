"""The operator's settings: one frozen model, from one YAML file that the chart mounts, then the environment."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from alphatrade.names import GRPC_PORT
from alphatrade_operator.limit_ceilings import REQUIRED_IN_LIVE, Ceilings, LimitCeilings

SETTINGS_FILE = "/etc/alphatrade-operator/settings.yaml"
_PREFIX = "ALPHATRADE_"
_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
_Seconds = Annotated[float, Field(gt=0, le=86_400 * 366)]
_Name = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)]


class SettingsError(ValueError):
    """Settings that are refused; the text names the field and the fix."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FeatureFlagCeilings(_Part):
    """Highest value of each feature flag; above it a Strategy gets FlagNotAllowed and runs with the flag off."""

    fast_weights: bool = False
    linear_attention: bool = False
    exploration: bool = False
    auto_governed_feedback: bool = False


class ArtifactStore(_Part):
    """Where tapes and artifacts are: at most one of a claim in every trading namespace and a folder of the node.

    claim_name: of a PersistentVolumeClaim in the trading namespace.  host_path: development on one node only.
    single_node: the cluster has one node, so that a volume which one node can mount will do.
    """

    claim_name: _Name | None = None
    host_path: str | None = None
    single_node: bool = False


class Settings(_Part):
    """What the operator runs with.

    scope: Namespaces asks the API server for nothing of the whole cluster, only within the namespaces named.
    namespaces: those looked at, besides the operator's own; empty means all labelled alphatrade.io/trading=true.
    limit_ceilings: by mode, the loosest limits that a RiskTemplate may ask for.
    experiment_may_paper: stage Experiment may run Paper; for the dev profile.
    """

    profile: Literal["dev", "paper", "live"] = "dev"
    operator_namespace: _Name = "alphatrade-system"
    scope: Literal["Cluster", "Namespaces"] = "Cluster"
    namespaces: tuple[_Name, ...] = ()
    runtime_image: Annotated[str, Field(min_length=1, max_length=512)] = "alphatrade:dev"
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    artifact_store: ArtifactStore = ArtifactStore()
    feature_flag_ceilings: FeatureFlagCeilings = FeatureFlagCeilings()
    limit_ceilings: Ceilings = {}
    experiment_may_paper: bool = False
    certificate_lifetime_s: Annotated[float, Field(ge=30, le=86_400 * 90)] = 86_400.0
    repair_s: _Seconds = 300.0
    status_poll_s: _Seconds = 2.0
    status_min_interval_s: _Seconds = 60.0
    lease_duration_s: Annotated[float, Field(ge=2, le=300)] = 15.0
    workers: Annotated[int, Field(ge=1, le=256)] = 8
    client_qps: Annotated[float, Field(gt=0, le=10_000)] = 50.0
    client_burst: Annotated[int, Field(ge=1, le=10_000)] = 100
    http_port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    grpc_port: Annotated[int, Field(ge=0, le=65_535)] = GRPC_PORT

    @model_validator(mode="after")
    def _safe(self) -> Self:
        """Refuse what the chart's schema refuses: a file can be written without the chart."""
        found = [*_unsafe_anywhere(self), *_unsafe_but_in_dev(self), *_unsafe_in_live(self)]
        if found:
            raise ValueError("; ".join(found))
        return self


def _unsafe_anywhere(settings: Settings) -> Iterator[str]:
    store = settings.artifact_store
    if store.claim_name and store.host_path:
        yield "artifact_store.host_path: given besides claim_name; keep one of them"
    if store.host_path and not store.single_node:
        yield "artifact_store.single_node: false, and host_path is a folder of one node; set it to true, or use a claim"
    if settings.scope == "Namespaces" and not settings.namespaces:
        yield "namespaces: empty, and scope is Namespaces; list the trading namespaces"


def _unsafe_but_in_dev(settings: Settings) -> Iterator[str]:
    if settings.profile == "dev":
        return
    of = f"not in profile {settings.profile}"
    if settings.experiment_may_paper:
        yield f"experiment_may_paper: true, {of}; set it to false"
    if settings.artifact_store.host_path:
        yield f"artifact_store.host_path: given, {of}; use claim_name, a claim that pods of every node can write"


def _unsafe_in_live(settings: Settings) -> Iterator[str]:
    if settings.profile != "live":
        return
    if not _DIGEST.search(settings.runtime_image):
        yield "runtime_image: a tag says nothing about what runs; in profile live write repository@sha256:..."
    if settings.image_pull_policy == "Never":
        yield "image_pull_policy: Never, not in profile live; set it to IfNotPresent"
    if not settings.artifact_store.claim_name:
        yield "artifact_store.claim_name: missing, and profile live keeps tapes and results; name a claim"
    for name in ("exploration", "auto_governed_feedback"):
        if getattr(settings.feature_flag_ceilings, name):
            yield f"feature_flag_ceilings.{name}: true, never in profile live; set it to false"
    ceilings = settings.limit_ceilings.get("Live", LimitCeilings())
    for name in REQUIRED_IN_LIVE:
        if getattr(ceilings, name) is None:
            field = LimitCeilings.model_fields[name].alias
            yield f"limit_ceilings.Live.{field}: missing, and profile live needs it; set the highest value allowed"


def load_settings(path: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of a file; ALPHATRADE_<FIELD> of the environment wins. Raises SettingsError."""
    values = _read(path)
    for field in Settings.model_fields:
        text = environment.get(_PREFIX + field.upper())
        if text is not None:
            values[field] = yaml.safe_load(text)
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError("; ".join(_line(path, dict(detail)) for detail in error.errors())) from None


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"{path}: {' '.join(str(error).split())}; correct the file") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise SettingsError(f"{path}: not a map of settings; write field: value lines")
    return values


def _line(path: Path, detail: Mapping[str, Any]) -> str:
    field = ".".join(str(part) for part in detail["loc"])
    if not field:  # several fields together, which the text names
        return f"{path}: {detail['msg'].removeprefix('Value error, ')}"
    return f"{path}: {field}: {detail['msg']} (given {detail['input']!r}); correct it"
