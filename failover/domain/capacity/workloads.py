"""What a workload asks for, by its kind: how many pods of which size its manifest leads to.

In the order in which the pods come up, since a failover in flight whose first pods are there has
that much less still to come. A kind that is not in the table is not known, which is not "nothing".
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from failover.domain.capacity.pods import Pods, container_amounts, pods_of
from failover.domain.capacity.quantities import THOUSAND, Amounts, amounts, summed, thousandths
from failover.domain.identity import GroupKind
from failover.domain.manifest import Manifest, field, items, mapping, maps, number, text

REPLICAS_MAX = 1_000_000
"""More than any cluster has pods."""

_JVM_SIZE = re.compile(r"\s*([0-9]{1,18})\s*([a-zA-Z]*)\s*")
_JVM_UNITS: Final[Mapping[str, int]] = {
    name: 1024**power
    for power, names in enumerate((("", "b", "bytes"), ("k", "kb"), ("m", "mb"), ("g", "gb"), ("t", "tb")))
    for name in names
}  # fmt: skip
_FLINK_CONTAINER = "flink-main-container"
_FLINK_MEMORY = {"jobManager": "1600m", "taskManager": "1728m"}
"""Flink's own defaults of the whole process."""
_SPARK_OVERHEAD_LEAST = 384 * 1024**2
_SPARK_OVERHEAD = {"Java": 0.1, "Scala": 0.1}
_SPARK_OVERHEAD_ELSE = 0.4


def demand_of(manifest: Manifest) -> tuple[Pods, ...] | None:
    """The pods that it leads to; `None` where that is not known of its kind."""
    found = _DEMANDS.get(GroupKind.of(manifest))
    return tuple(each for each in found(mapping(manifest, "spec")) if each.count) if found else None


def _replicated(spec: Manifest) -> Iterator[Pods]:
    yield pods_of(mapping(spec, "template", "spec"), _count(spec, "replicas", default=1))


def _job(spec: Manifest) -> Iterator[Pods]:
    parallelism = _count(spec, "parallelism", default=1)
    completions = _count(spec, "completions", default=parallelism)
    yield pods_of(mapping(spec, "template", "spec"), min(parallelism, completions))


def _pod(spec: Manifest) -> Iterator[Pods]:
    yield pods_of(spec, 1)


def _nothing(_: Manifest) -> Iterator[Pods]:
    """It runs in pods of something else."""
    return iter(())


def _flink(spec: Manifest) -> Iterator[Pods]:
    """JobManagers, then TaskManagers: those that are written, or as many as the job needs."""
    yield _flink_role(spec, "jobManager", _count(spec, "jobManager", "replicas", default=1))
    settings = mapping(spec, "flinkConfiguration")
    slots = max(_setting(settings, "taskmanager.numberOfTaskSlots", 1), 1)
    job = mapping(spec, "job")
    needed = math.ceil(_count(job, "parallelism", default=1) / slots) if job else 0
    yield _flink_role(spec, "taskManager", _count(spec, "taskManager", "replicas", default=needed))


def _flink_role(spec: Manifest, role: str, count: int) -> Pods:
    settings, process = mapping(spec, "flinkConfiguration"), role.lower()
    resource = mapping(spec, role, "resource")
    cpu = thousandths(field(resource, "cpu"))
    if cpu is None:
        cpu = thousandths(field(settings, f"kubernetes.{process}.cpu.amount"))
    if cpu is None:
        cpu = thousandths(field(settings, f"kubernetes.{process}.cpu"))
    memory = field(resource, "memory") or field(settings, f"{process}.memory.process.size")
    main = {
        "cpu": cpu if cpu is not None and cpu > 0 else THOUSAND,
        "memory": _bytes(memory) or _bytes(_FLINK_MEMORY[role]) or 0,
    }
    storage = thousandths(field(resource, "ephemeralStorage"))
    if storage is not None:
        main["ephemeral-storage"] = storage
    templates = [mapping(spec, "podTemplate", "spec"), mapping(spec, role, "podTemplate", "spec")]
    others = [
        each
        for template in templates
        for each in maps(items(template, "containers"))
        if text(each, "name") != _FLINK_CONTAINER
    ]
    shape = pods_of({**templates[0], **templates[1], "containers": others}, count)
    return Pods(
        count,
        summed((shape.requests, main)),
        summed((shape.limits, main)),
        shape.node_selector,
        shape.tolerations,
    )


def _spark(spec: Manifest) -> Iterator[Pods]:
    """The driver, then the executors that it begins with."""
    yield _spark_role(spec, "driver", 1)
    count = _count(spec, "executor", "instances", default=2)
    dynamic = mapping(spec, "dynamicAllocation")
    if dynamic.get("enabled") is True:
        known = [_count(dynamic, each, default=0) for each in ("initialExecutors", "minExecutors")]
        count = max(*known, _count(spec, "executor", "instances", default=0))
    yield _spark_role(spec, "executor", count)


def _spark_role(spec: Manifest, role: str, count: int) -> Pods:
    own = mapping(spec, role)
    cpu = thousandths(field(own, "coreRequest"))
    if cpu is None:
        cpu = _count(own, "cores", default=1) * THOUSAND
    memory = _bytes(text(own, "memory") or "1g") or 0
    overhead = _bytes(field(own, "memoryOverhead"))
    if overhead is None:
        share = _factor(field(spec, "memoryOverheadFactor"))
        if share is None:
            share = _SPARK_OVERHEAD.get(text(spec, "type"), _SPARK_OVERHEAD_ELSE)
        overhead = max(math.ceil(memory * share), _SPARK_OVERHEAD_LEAST * THOUSAND)
    main = {"cpu": cpu, "memory": memory + overhead}
    limits = {"memory": memory + overhead, **amounts({"cpu": field(own, "coreLimit")})}
    if gpu := text(own, "gpu", "name"):
        main[gpu] = limits[gpu] = _count(own, "gpu", "quantity", default=0) * THOUSAND
    sidecars = [container_amounts(each, "requests") for each in maps(items(own, "sidecars"))]
    shape = pods_of(own, count)
    requests: Amounts = summed((main, *sidecars, {"pods": THOUSAND}))
    return Pods(count, requests, limits, shape.node_selector, shape.tolerations)


def _count(value: object, *path: str, default: int) -> int:
    return min(max(number(value, *path, default=default), 0), REPLICAS_MAX)


def _setting(settings: Manifest, key: str, default: int) -> int:
    raw = settings.get(key)
    plain = str(raw) if isinstance(raw, int | str) and not isinstance(raw, bool) else ""
    return min(int(plain), REPLICAS_MAX) if plain.isascii() and plain.isdigit() else default


def _factor(value: object) -> float | None:
    read = thousandths(value)
    return None if read is None else read / THOUSAND


def _bytes(size: object) -> int | None:
    """A size of Flink or Spark, where `2048m` is mebibytes; else a quantity of Kubernetes."""
    read = _JVM_SIZE.fullmatch(size) if isinstance(size, str) else None
    if read is not None and (unit := _JVM_UNITS.get(read[2].lower())) is not None:
        return int(read[1]) * unit * THOUSAND
    return thousandths(size)


_DEMANDS: Final[Mapping[GroupKind, Callable[[Manifest], Iterator[Pods]]]] = {
    GroupKind("", "Pod"): _pod,
    GroupKind("", "ReplicationController"): _replicated,
    GroupKind("apps", "Deployment"): _replicated,
    GroupKind("apps", "ReplicaSet"): _replicated,
    GroupKind("apps", "StatefulSet"): _replicated,
    GroupKind("batch", "Job"): _job,
    GroupKind("flink.apache.org", "FlinkDeployment"): _flink,
    GroupKind("flink.apache.org", "FlinkSessionJob"): _nothing,
    GroupKind("sparkoperator.k8s.io", "SparkApplication"): _spark,
}
