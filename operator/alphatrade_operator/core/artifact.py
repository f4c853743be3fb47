"""What lies in the artifact store: where, and the digest that says it is the same."""

from typing import Annotated

from pydantic import Field, Strict, StringConstraints

from alphatrade_operator.core.model import Model
from alphatrade_operator.core.quantities import FilePath, Hash

Uri = Annotated[str, Strict(), StringConstraints(pattern=r"^[a-z][a-z0-9+.-]*:\S+$", max_length=1_024)]
BY_PATH = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["path"]}


class Artifact(Model):
    """A file in the artifact store."""

    uri: Uri = Field(description="Where it lies, such as s3://bucket/replay/2026/08/08/run/results.parquet.")
    sha256: Hash = Field(description="SHA-256 of its bytes, 64 hexadecimal digits.")


class Tape(Model):
    """A tape in the artifact store."""

    path: FilePath = Field(description="Folder of the tape; a relative one starts at the artifact store.")
    sha256: Hash | None = Field(None, description="Digest of the tape; another one is refused.")


Tapes = Annotated[tuple[Tape, ...], Field(min_length=1, max_length=256, json_schema_extra=BY_PATH)]
CostLevels = Annotated[
    tuple[Annotated[str, Strict(), StringConstraints(pattern=r"^[1-9][0-9]?x$", max_length=3)], ...],
    Field(min_length=1, max_length=8, json_schema_extra={"x-kubernetes-list-type": "set"}),
]
