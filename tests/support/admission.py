"""A real API server refuses one thing (a ValidatingAdmissionPolicy), or fails at it (a webhook)."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from devstack.api import Api
from devstack.errors import ApiError
from tests.support.waiting import eventually

ADMISSION = "/apis/admissionregistration.k8s.io/v1"
POLICIES = f"{ADMISSION}/validatingadmissionpolicies"
WEBHOOKS = f"{ADMISSION}/validatingwebhookconfigurations"
BINDINGS = f"{ADMISSION}/validatingadmissionpolicybindings"


@dataclass(frozen=True)
class Place:
    """A collection, and what a minimal object in it looks like."""

    group: str
    version: str
    resource: str
    kind: str
    namespace: str

    @property
    def path(self) -> str:
        """The collection's path."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        return f"{root}/namespaces/{self.namespace}/{self.resource}"

    def probe(self, name: str) -> dict[str, Any]:
        """An object that is only ever tried."""
        version = f"{self.group}/{self.version}" if self.group else self.version
        metadata = {"name": name, "namespace": self.namespace}
        return {"apiVersion": version, "kind": self.kind, "metadata": metadata}


FLINKS = Place("flink.apache.org", "v1beta1", "flinkdeployments", "FlinkDeployment", "saga")
RECORDS = Place("", "v1", "secrets", "Secret", "failover-system")


@dataclass(frozen=True)
class Refusing:
    """One rule that is in force until it is lifted."""

    api: Api
    place: Place
    id: str

    async def lift(self) -> None:
        """Take the rule away, and see it without effect."""
        for collection in (BINDINGS, POLICIES, WEBHOOKS):
            with suppress(ApiError):
                await self.api.delete(f"{collection}/{self.id}")
        await eventually(self._passes, f"{self.id} is lifted")

    async def _passes(self) -> bool:
        return not await self._denies()

    async def _denies(self) -> bool:
        body = self.place.probe(self.id)
        try:
            await self.api.request("POST", self.place.path, body=body, params={"dryRun": "All"})
        except ApiError as error:
            if error.status in {403, 500}:
                return True
            raise
        return False


async def refuse(
    api: Api, place: Place, name: str, operation: str, *, when: str = "true"
) -> Refusing:
    """Have the API server refuse this operation on the object of this name, when the CEL term holds.

    Returns once the rule is in force, which a probe of another name shows.
    """
    probe = f"refuse-{uuid.uuid4().hex[:10]}"
    meant = f"(request.operation == '{operation}' && request.name == '{name}' && ({when}))"
    operations = sorted({operation, "CREATE"})
    rule = {
        "apiGroups": [place.group],
        "apiVersions": ["*"],
        "operations": operations,
        "resources": [place.resource],
    }
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": probe},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [rule]},
            "validations": [
                {
                    "expression": f"!(request.name == '{probe}' || {meant})",
                    "message": "the test refuses this",
                    "reason": "Forbidden",
                }
            ],
        },
    }
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": probe},
        "spec": {"policyName": probe, "validationActions": ["Deny"]},
    }
    await api.create(POLICIES, policy)
    await api.create(BINDINGS, binding)
    refusing = Refusing(api, place, probe)
    await eventually(refusing._denies, f"{probe} is in force")
    return refusing


FOR_REAL = "!has(request.dryRun) || !request.dryRun"
"""A dry run passes: the plan does not see it coming."""


async def fail(api: Api, place: Place, name: str, operation: str) -> Refusing:
    """Have the API server fail at this operation on the object of this name: its webhook is down.

    Unlike a refusal, that may pass, so it is tried again. Returns once it is in force.
    """
    probe = f"fail-{uuid.uuid4().hex[:10]}"
    webhook = {
        "name": "down.tests.example.org",
        "clientConfig": {"url": "https://127.0.0.1:1/nobody"},
        "rules": [
            {
                "apiGroups": [place.group],
                "apiVersions": ["*"],
                "operations": sorted({operation, "CREATE"}),
                "resources": [place.resource],
            }
        ],
        "matchConditions": [
            {
                "name": "meant",
                "expression": f"request.name == '{probe}' || "
                f"(request.name == '{name}' && request.operation == '{operation}')",
            }
        ],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 1,
    }
    configuration = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": probe},
        "webhooks": [webhook],
    }
    await api.create(WEBHOOKS, configuration)
    failing = Refusing(api, place, probe)
    await eventually(failing._denies, f"{probe} is in force")
    return failing
