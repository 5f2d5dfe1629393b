"""`failover rbac`: the least rights for the kinds that policies name, as YAML for `kubectl apply`.

RBAC speaks of resources (`flinkdeployments`), policies of kinds (`FlinkDeployment`). What stands
between them is taken from the catalogue, from `--resource`, or else from a cluster that answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated

import typer
import yaml

from cli.context import PolicyPlaces, run, surroundings
from cli.policies import load
from failover.domain.errors import FailoverError, InvalidInput, UnknownKind
from failover.domain.health import kinds_between
from failover.domain.identity import GroupKind
from failover.domain.policy import Policy
from failover.domain.rbac import KindInUse, Subject, roles
from failover.kube.fleet import open_fleet

CLUSTER_SECONDS = 10.0


class Role(StrEnum):
    """Whose rights."""

    WATCHER = "watcher"
    MOVER = "mover"
    SERVER = "server"


CATALOGUE: Mapping[GroupKind, str] = {
    GroupKind("", "Pod"): "pods",
    GroupKind("", "ReplicationController"): "replicationcontrollers",
    GroupKind("acid.zalan.do", "postgresql"): "postgresqls",
    GroupKind("apps", "DaemonSet"): "daemonsets",
    GroupKind("apps", "Deployment"): "deployments",
    GroupKind("apps", "ReplicaSet"): "replicasets",
    GroupKind("apps", "StatefulSet"): "statefulsets",
    GroupKind("apps.kruise.io", "BroadcastJob"): "broadcastjobs",
    GroupKind("apps.kruise.io", "CloneSet"): "clonesets",
    GroupKind("apps.kruise.io", "DaemonSet"): "daemonsets",
    GroupKind("apps.kruise.io", "StatefulSet"): "statefulsets",
    GroupKind("apps.kubeblocks.io", "Cluster"): "clusters",
    GroupKind("apps.kubeblocks.io", "Component"): "components",
    GroupKind("argoproj.io", "Rollout"): "rollouts",
    GroupKind("argoproj.io", "Workflow"): "workflows",
    GroupKind("batch", "CronJob"): "cronjobs",
    GroupKind("batch", "Job"): "jobs",
    GroupKind("batch.volcano.sh", "Job"): "jobs",
    GroupKind("core.strimzi.io", "StrimziPodSet"): "strimzipodsets",
    GroupKind("elasticsearch.k8s.elastic.co", "Elasticsearch"): "elasticsearches",
    GroupKind("flink.apache.org", "FlinkBlueGreenDeployment"): "flinkbluegreendeployments",
    GroupKind("flink.apache.org", "FlinkDeployment"): "flinkdeployments",
    GroupKind("flink.apache.org", "FlinkSessionJob"): "flinksessionjobs",
    GroupKind("jobset.x-k8s.io", "JobSet"): "jobsets",
    GroupKind("kafka.strimzi.io", "Kafka"): "kafkas",
    GroupKind("kafka.strimzi.io", "KafkaConnect"): "kafkaconnects",
    GroupKind("kafka.strimzi.io", "KafkaMirrorMaker2"): "kafkamirrormaker2s",
    GroupKind("kubeflow.org", "JAXJob"): "jaxjobs",
    GroupKind("kubeflow.org", "MPIJob"): "mpijobs",
    GroupKind("kubeflow.org", "PaddleJob"): "paddlejobs",
    GroupKind("kubeflow.org", "PyTorchJob"): "pytorchjobs",
    GroupKind("kubeflow.org", "TFJob"): "tfjobs",
    GroupKind("kubeflow.org", "XGBoostJob"): "xgboostjobs",
    GroupKind("mysql.oracle.com", "InnoDBCluster"): "innodbclusters",
    GroupKind("postgresql.cnpg.io", "Cluster"): "clusters",
    GroupKind("psmdb.percona.com", "PerconaServerMongoDB"): "perconaservermongodbs",
    GroupKind("pxc.percona.com", "PerconaXtraDBCluster"): "perconaxtradbclusters",
    GroupKind("rabbitmq.com", "RabbitmqCluster"): "rabbitmqclusters",
    GroupKind("ray.io", "RayCluster"): "rayclusters",
    GroupKind("ray.io", "RayJob"): "rayjobs",
    GroupKind("ray.io", "RayService"): "rayservices",
    GroupKind("redis.redis.opstreelabs.in", "RedisCluster"): "redisclusters",
    GroupKind("redis.redis.opstreelabs.in", "RedisReplication"): "redisreplications",
    GroupKind("serving.knative.dev", "Service"): "services",
    GroupKind("sparkoperator.k8s.io", "ScheduledSparkApplication"): "scheduledsparkapplications",
    GroupKind("sparkoperator.k8s.io", "SparkApplication"): "sparkapplications",
    GroupKind("trainer.kubeflow.org", "TrainJob"): "trainjobs",
    GroupKind("workloads.kubeblocks.io", "InstanceSet"): "instancesets",
}
"""The plurals of kinds that are moved often, so that no cluster need be asked."""


def add_to(app: typer.Typer) -> None:
    """Add `rbac`."""
    app.command(name="rbac")(print_roles)


def print_roles(
    places: PolicyPlaces,
    role: Annotated[
        Role,
        typer.Option(
            help="A watcher sees and starts failovers, a mover carries them out, a server (`failover serve`) "
            "finds what alerts name and tells where applications live."
        ),
    ],
    namespaces: Annotated[
        list[str] | None,
        typer.Option(
            "-n", "--namespace", help="Only in these namespaces of the applications (repeat it)."
        ),
    ] = None,
    holds_policies: Annotated[
        bool,
        typer.Option(
            "--holds-policies",
            help="With the rights for a cluster that holds the policies: --policies cluster:CONTEXT.",
        ),
    ] = False,
    resources: Annotated[
        list[str] | None,
        typer.Option(
            "--resource",
            metavar="KIND.GROUP=PLURAL",
            help="The plural of a kind that is not known here, as in Widget.example.com=widgets.",
        ),
    ] = None,
    subject: Annotated[
        str,
        typer.Option(
            help="Who gets the rights: ServiceAccount:NAMESPACE/NAME, User:NAME or Group:NAME."
        ),
    ] = "ServiceAccount:failover-system/failover",
) -> None:
    """Print the roles that watching, moving or serving the applications of these policies needs.

    Apply them on each cluster: failover rbac -f POLICY --role mover | kubectl --context EAST apply -f -
    """
    policies = run(load(places)).policies
    if not policies:
        raise InvalidInput(f"{', '.join(places)}: there is no policy", reason="NoPolicy")
    wanted = kinds_of(policies)
    plurals = {**CATALOGUE, **dict(_given(each) for each in resources or [])}
    known = [KindInUse(kind.group, plurals[kind]) for kind in wanted if kind in plurals]
    if unknown := [kind for kind in wanted if kind not in plurals]:
        known += run(_discover(unknown))
    known += [
        KindInUse(each.group, CATALOGUE[each], moved=False)
        for each in sorted({each for kind in wanted for each in kinds_between(kind)} - {*wanted})
    ]
    dependents = any(policy.spec.propagate_deps for policy in policies)
    manifests = roles(
        known,
        role.value,
        namespaces or (),
        dependents=dependents,
        capacity=any(policy.checks_capacity for policy in policies),
        policies=holds_policies,
        subject=_subject(subject),
    )
    typer.echo(yaml.safe_dump_all(manifests, sort_keys=False, explicit_start=True), nl=False)


def kinds_of(policies: Iterable[Policy]) -> tuple[GroupKind, ...]:
    """The kinds that the policies' selectors name, each once."""
    return tuple(
        sorted({each.group_kind for policy in policies for each in policy.spec.resource_selectors})
    )


def _given(text: str) -> tuple[GroupKind, str]:
    name, equals, plural = text.partition("=")
    kind, _, group = name.partition(".")
    if not (kind and equals and plural):
        raise InvalidInput(
            f"--resource {text}: write KIND.GROUP=PLURAL, as in Widget.example.com=widgets"
        )
    return GroupKind(group, kind), plural


def _subject(text: str) -> Subject:
    kind, _, name = text.partition(":")
    namespace, slash, account = name.partition("/")
    match kind:
        case "ServiceAccount" if slash and namespace and account:
            return Subject("ServiceAccount", account, namespace)
        case "User" | "Group" if name:
            return Subject(kind, name, "")
        case _:
            message = (
                f"--subject {text}: write ServiceAccount:NAMESPACE/NAME, User:NAME or Group:NAME"
            )
            raise InvalidInput(message)


async def _discover(kinds: Sequence[GroupKind]) -> list[KindInUse]:
    """Ask the clusters in their order; the first that serves a kind answers for it."""
    try:
        file = surroundings().fleet_file()
    except FailoverError as error:
        raise _unknown(kinds, error.message) from error
    found: list[KindInUse] = []
    async with open_fleet(file) as opened:
        for kind in kinds:
            problems: list[str] = []
            for facts in opened.facts:
                try:
                    async with asyncio.timeout(CLUSTER_SECONDS):
                        served = await opened.cluster(facts.name).resource(kind)
                except TimeoutError:
                    problems.append(f"{facts.name} does not answer")
                except FailoverError as error:
                    problems.append(error.message)
                else:
                    found.append(KindInUse(served.group, served.plural, served.namespaced))
                    break
            else:
                raise _unknown([kind], "; ".join(problems))
    return found


def _unknown(kinds: Sequence[GroupKind], why: str) -> UnknownKind:
    names = ", ".join(str(kind) for kind in kinds)
    flags = " ".join(f"--resource {kind}=PLURAL" for kind in kinds)
    return UnknownKind(
        f"the plural of {names} is not known here, and no cluster could tell it ({why}); say it: {flags}"
    )
