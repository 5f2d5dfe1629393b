"""`fleet.yaml`: the fleet's name, its clusters, and what is known of them before anyone asks.

Without a file, every context of the kubeconfig is a cluster of the fleet `default`.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, ValidationError
from pydantic.alias_generators import to_camel

from failover.domain.errors import InvalidInput
from failover.domain.topology import ClusterFacts
from failover.kube.connection import Limits
from failover.kube.kubeconfig import Kubeconfig, kubeconfig_paths, read_kubeconfig

BLOCKED_AFTER_SECONDS = 180
_ERRORS_MAX = 5
_NAME = r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$"

Name = Annotated[str, Field(pattern=_NAME)]
InFlight = Annotated[int, Field(ge=1, le=1000)]


@dataclass(frozen=True)
class FleetFile:
    """A fleet as its file describes it, with the kubeconfig files that its contexts are in."""

    name: str
    clusters: tuple[ClusterFacts, ...]
    kubeconfig: tuple[Path, ...]
    blocked_after: timedelta = timedelta(seconds=BLOCKED_AFTER_SECONDS)
    runbook: str = ""
    in_flight_max: Mapping[str, int] = field(default_factory=dict[str, int])

    def limits(self, cluster: str) -> Limits:
        """The bounds of one cluster's connections."""
        default = Limits()
        return Limits(in_flight_max=self.in_flight_max.get(cluster, default.in_flight_max))


class _Cluster(ClusterFacts):
    name: Name
    max_in_flight: InFlight | None = None


class _Document(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=False
    )

    name: Name
    clusters: Annotated[tuple[_Cluster, ...], Field(min_length=1)]
    blocked_after_seconds: Annotated[int, Field(ge=1, le=86_400)] = BLOCKED_AFTER_SECONDS
    runbook: HttpUrl | None = None


def load_fleet(
    path: str | Path | None = None,
    kubeconfig: str | Path | None = None,
    environment: Mapping[str, str] = os.environ,
) -> FleetFile:
    """Read the fleet; every mistake is an `InvalidInput` that names file and field."""
    files = kubeconfig_paths(kubeconfig, environment)
    contexts = read_kubeconfig(files, environment)
    if path is None:
        return _from_contexts(contexts)
    document = _document(Path(path))
    _check(document, contexts, Path(path))
    return FleetFile(
        name=document.name,
        clusters=tuple(_facts(cluster) for cluster in document.clusters),
        kubeconfig=files,
        blocked_after=timedelta(seconds=document.blocked_after_seconds),
        runbook=str(document.runbook or ""),
        in_flight_max={c.name: c.max_in_flight for c in document.clusters if c.max_in_flight},
    )


def _from_contexts(contexts: Kubeconfig) -> FleetFile:
    if not contexts.contexts:
        raise InvalidInput(
            f"{contexts.where}: there are no contexts, so there is no cluster to use"
        )
    clusters = tuple(ClusterFacts(name=name) for name in contexts.contexts)
    return FleetFile(name="default", clusters=clusters, kubeconfig=contexts.paths)


def _document(path: Path) -> _Document:
    try:
        document: Any = yaml.safe_load(path.read_text())
    except OSError as error:
        raise InvalidInput(f"{path}: the fleet file cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise InvalidInput(f"{path}{line}: the fleet file is not valid YAML") from error
    if not isinstance(document, dict):
        raise InvalidInput(f"{path}: the fleet file must be a mapping with `name` and `clusters`")
    try:
        return _Document.model_validate(document)
    except ValidationError as error:
        found = [f"{_path(one['loc'])}: {one['msg']}" for one in error.errors()[:_ERRORS_MAX]]
        raise InvalidInput(f"{path}: {'; '.join(found)}") from error


def _check(document: _Document, contexts: Kubeconfig, path: Path) -> None:
    for name, count in Counter(cluster.name for cluster in document.clusters).items():
        if count > 1:
            raise InvalidInput(f"{path}: clusters: the name {name!r} is given {count} times")
    seen: dict[str, str] = {}
    for index, cluster in enumerate(document.clusters):
        context = cluster.context or cluster.name
        try:
            contexts.context(context)
        except InvalidInput as error:
            where = f"{path}: clusters[{index}].context"
            raise InvalidInput(f"{where}: {error.message}", reason=error.reason) from error
        if context in seen:
            # Two names of one cluster would let a failover "move" to where it already is.
            where = f"{path}: clusters[{index}].context"
            raise InvalidInput(f"{where}: {context!r} is the cluster {seen[context]!r} already")
        seen[context] = cluster.name


def _facts(cluster: _Cluster) -> ClusterFacts:
    return ClusterFacts.model_validate(cluster.model_dump(exclude={"max_in_flight"}))


def _path(location: tuple[int | str, ...]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.lstrip(".") or "the file"
