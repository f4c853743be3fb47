"""The operator's settings: one frozen model, from one YAML file that the chart mounts, then the environment."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

SETTINGS_FILE = "/etc/alphatrade-operator/settings.yaml"
_PREFIX = "ALPHATRADE_"
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
    """Where tapes and artifacts are: exactly one of a claim in every trading namespace and a folder of the node.

    claim_name: of a PersistentVolumeClaim in the trading namespace.  host_path: development on one node only.
    """

    claim_name: _Name | None = None
    host_path: str | None = None


class Settings(_Part):
    """What the operator runs with.

    namespaces: those looked at, besides the operator's own; empty means all labelled alphatrade.io/trading=true.
    experiment_may_paper: stage Experiment may run Paper; for the dev profile.
    """

    profile: Literal["dev", "paper"] = "dev"
    operator_namespace: _Name = "alphatrade-system"
    namespaces: tuple[_Name, ...] = ()
    runtime_image: Annotated[str, Field(min_length=1, max_length=512)] = "alphatrade:dev"
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    artifact_store: ArtifactStore = ArtifactStore()
    feature_flag_ceilings: FeatureFlagCeilings = FeatureFlagCeilings()
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
    return f"{path}: {field}: {detail['msg']} (given {detail['input']!r}); correct it"
