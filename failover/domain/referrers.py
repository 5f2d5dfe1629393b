"""Who on a cluster refers to a dependent: what is still named by somebody is not taken away.

Searched are all kinds with a pod template that we know, and what else names Secrets by itself: service
accounts and ingresses. A kind that nobody here knows is seen by its pods, as long as it has any.
"""

from __future__ import annotations

from collections.abc import Iterable

from failover.domain.dependents import CLAIM, SERVICE_ACCOUNT, TEMPLATE_KINDS, dependents_of
from failover.domain.identity import GroupKind, ObjectRef
from failover.domain.manifest import Manifest, items, maps, namespace_of, text
from failover.domain.marks import FIELD_MANAGER, created_by

INGRESS = GroupKind("networking.k8s.io", "Ingress")

REFERRING_KINDS: tuple[GroupKind, ...] = (*TEMPLATE_KINDS, SERVICE_ACCOUNT, INGRESS)
"""The kinds to list in a namespace before it can be told what is not referred to there."""

_CLUSTERS_OWN_MANAGERS = ("kube-apiserver", "kube-controller-manager")
"""What the control plane writes on an object does not make it somebody else's."""


def references_of(manifest: Manifest) -> frozenset[ObjectRef]:
    """What this object names, in its own namespace."""
    kind = GroupKind.of(manifest)
    if kind == SERVICE_ACCOUNT:
        named = (*items(manifest, "secrets"), *items(manifest, "imagePullSecrets"))
        return _secrets(manifest, (text(each, "name") for each in maps(named)))
    if kind == INGRESS:
        tls = maps(items(manifest, "spec", "tls"))
        return _secrets(manifest, (text(each, "secretName") for each in tls))
    return frozenset(dependents_of(manifest))


def _secrets(manifest: Manifest, names: Iterable[str]) -> frozenset[ObjectRef]:
    namespace = namespace_of(manifest)
    return frozenset(
        ObjectRef(group="", kind="Secret", namespace=namespace, name=name) for name in names if name
    )


def unreferred(
    dependents: Iterable[ObjectRef], objects: Iterable[Manifest], held: Iterable[ObjectRef] = ()
) -> frozenset[ObjectRef]:
    """Those dependents that none of the objects refers to, and nobody holds.

    What would go with them does not count: a service account of ours keeps no Secret of ours. One that
    stays does, and what it names stays too.
    """
    left = set(dependents) - set(held)
    references = [(ObjectRef.of(each), references_of(each)) for each in objects]
    while True:
        staying = (named for by, named in references if by not in left)
        needed = left & frozenset[ObjectRef]().union(*staying)
        if not needed:
            return frozenset(left)
        left -= needed


def is_ours_alone(manifest: Manifest) -> bool:
    """Whether we created this dependent, and nobody has written to it since.

    Whoever has is taken to need it; so is anybody where the server does not say who has written.
    """
    entries = maps(items(manifest, "metadata", "managedFields"))
    managers = {text(each, "manager") for each in entries if not text(each, "subresource")}
    return (
        created_by(manifest) is not None
        and FIELD_MANAGER in managers
        and all(each.startswith(_CLUSTERS_OWN_MANAGERS) for each in managers - {FIELD_MANAGER})
    )


def is_removable(ref: ObjectRef) -> bool:
    """Whether it can be made anew at any time; what a volume claim holds cannot."""
    return ref.group_kind != CLAIM
