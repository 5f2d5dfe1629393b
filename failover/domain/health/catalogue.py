"""Which rules judge which kind, what must be looked at for it, and whether two copies may run.

A kind that the catalogue does not know is judged by its conditions. Whether two copies of it may
run at once is decided for the worse: a custom kind is taken to be exclusive. Taking a stateless
kind for exclusive costs a refusal that names its remedy (`purgeMode: Directly`, or
`allowTwoCopies: true`); taking a database for stateless costs the data.
"""

from __future__ import annotations

from collections.abc import Sequence

from failover.domain.health.conditions import judge_by_conditions
from failover.domain.health.entries import Entry, Judge, Support, Way
from failover.domain.health.pods import STATEFUL_SET
from failover.domain.health.progress import progress_of
from failover.domain.health.rows import ROWS
from failover.domain.health.spark import SPARK_APPLICATION
from failover.domain.health.verdict import Health, HealthStatus, called, unknown
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest, is_deleting

CATALOGUE: dict[GroupKind, Entry] = {each.kind: each for each in ROWS}

SHARED = frozenset(
    {
        GroupKind("apps.kruise.io", "CloneSet"),
        GroupKind("apps.kruise.io", "DaemonSet"),
        GroupKind("argoproj.io", "Rollout"),
        GroupKind("ray.io", "RayService"),
        GroupKind("serving.knative.dev", "Service"),
    }
)
"""Custom kinds of which several copies run side by side by design."""


def judge(
    workload: Manifest,
    owned: Sequence[Manifest] | None,
    own: Judge | None = None,
    *,
    deeper: Sequence[Manifest] = (),
) -> Health:
    """The verdict on a workload; `owned=None` means that nobody looked at what it owns.

    `own` is the rule that somebody wrote for this kind, in place of the catalogue's. `deeper` is what was
    found on the `ways_when_ill`: it says whose fault an illness is, and is no progress.
    """
    if is_deleting(workload):
        return unknown("BeingDeleted", f"{called(workload)} is being deleted; find out by whom")
    health = _judge(workload, [*(owned or ()), *deeper] if deeper else owned, own)
    if health.status is HealthStatus.HEALTHY:
        return health
    return health.model_copy(update={"progress": progress_of(workload, owned)})


def _judge(workload: Manifest, owned: Sequence[Manifest] | None, own: Judge | None) -> Health:
    if own is not None:
        return own(workload, owned)
    entry = CATALOGUE.get(GroupKind.of(workload))
    return judge_by_conditions(workload) if entry is None else entry.judge(workload, owned)


def owned_kinds(kind: GroupKind) -> tuple[GroupKind, ...]:
    """What must be looked at to judge this kind; nothing where its status alone says enough."""
    entry = CATALOGUE.get(kind)
    return () if entry is None else entry.owned


def ways_when_ill(kind: GroupKind) -> tuple[Way, ...]:
    """The ways to what tells of this kind whose fault its illness is; taken only then."""
    entry = CATALOGUE.get(kind)
    return () if entry is None else entry.when_ill


def kinds_between(kind: GroupKind) -> tuple[GroupKind, ...]:
    """What an object of this kind may own that is neither a pod nor one of Kubernetes' makers of pods."""
    entry = CATALOGUE.get(kind)
    return () if entry is None else entry.between


def support_of(kind: GroupKind, *, own: bool = False) -> Support:
    """How far a kind may be trusted to be moved; standard conditions are enough to be trusted.

    A rule that somebody wrote (`own`) is not proved by us, whatever the kind.
    """
    if own:
        return Support.EXPERIMENTAL
    entry = CATALOGUE.get(kind)
    return Support.SUPPORTED if entry is None else entry.support


def is_exclusive(kind: GroupKind) -> bool:
    """Whether two running copies may corrupt state; unknown custom kinds are taken to be so."""
    if kind == STATEFUL_SET:
        return True
    return kind not in SHARED and not _is_built_in(kind)


def _is_built_in(kind: GroupKind) -> bool:
    """Kubernetes' own groups (`apps`, `batch`, …) and those of its SIGs.

    The Spark operator's group has a SIG's suffix and is none.
    """
    ours = "." not in kind.group or kind.group.endswith(".k8s.io")
    return ours and kind.group != SPARK_APPLICATION.group
