"""Put objects onto a local cluster, custom kinds first, and wait until each kind is served."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path

import aiohttp
import yaml

from devstack.api import Api, Manifest
from devstack.errors import ApiError, DevstackError

KINDS = Path(__file__).parent / "kinds"
SERVED_SECONDS = 30.0
POLL_SECONDS = 0.05
CRD = "CustomResourceDefinition"
NOT_YET = (404, 429, 503)
CONFLICT = 409


def read_manifests(path: Path) -> list[Manifest]:
    """The objects of a YAML file, or of all YAML files of a folder."""
    files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    return [
        document for file in files for document in yaml.safe_load_all(file.read_text()) if document
    ]


async def install(api: Api, manifests: Iterable[Manifest]) -> bool:
    """Create or replace the objects; returns once every kind among them is served.

    Says whether the cluster did not have one of the kinds before.
    """
    wanted = list(manifests)
    definitions = [manifest for manifest in wanted if manifest["kind"] == CRD]
    stored = [await put(api, definition) for definition in definitions]
    for definition in definitions:
        await _wait_served(api, definition)
    for manifest in wanted:
        if manifest["kind"] != CRD:
            await put(api, manifest)
    return any(_is_new(definition) for definition in stored)


async def put(api: Api, manifest: Manifest) -> Manifest:
    """Create the object, or replace the one that is there."""
    collection = await collection_of(api, manifest)
    try:
        return await api.create(collection, manifest)
    except ApiError as error:
        if error.status != CONFLICT:
            raise
    path = f"{collection}/{manifest['metadata']['name']}"
    there = await api.get(path)
    version = there["metadata"]["resourceVersion"]
    metadata = {**manifest["metadata"], "resourceVersion": version}
    return await api.replace(path, {**manifest, "metadata": metadata})


async def collection_of(api: Api, manifest: Manifest) -> str:
    """The path of the collection that an object of this kind and namespace belongs to."""
    version, kind = manifest["apiVersion"], manifest["kind"]
    base = f"/apis/{version}" if "/" in version else f"/api/{version}"
    for resource in (await api.get(base))["resources"]:
        if resource["kind"] == kind and "/" not in resource["name"]:
            if not resource["namespaced"]:
                return f"{base}/{resource['name']}"
            namespace = manifest["metadata"].get("namespace", "default")
            return f"{base}/namespaces/{namespace}/{resource['name']}"
    raise DevstackError(f"{api.server} serves no kind {kind} in {version}.")


def _is_new(definition: Manifest) -> bool:
    conditions: list[Manifest] = definition.get("status", {}).get("conditions") or []
    return all(condition["type"] != "Established" for condition in conditions)


async def _wait_served(api: Api, definition: Manifest) -> None:
    """A new kind is established first, then discovered, then its storage answers."""
    spec = definition["spec"]
    version = next(version["name"] for version in spec["versions"] if version["served"])
    path = f"/apis/{spec['group']}/{version}"
    deadline = time.monotonic() + SERVED_SECONDS
    while not await _serves(api, path, spec["names"]["plural"]):
        if time.monotonic() > deadline:
            raise DevstackError(f"{api.server} does not serve {definition['metadata']['name']}.")
        await asyncio.sleep(POLL_SECONDS)


async def _serves(api: Api, path: str, plural: str) -> bool:
    try:
        resources = (await api.get(path))["resources"]
        if all(resource["name"] != plural for resource in resources):
            return False
        await api.get(f"{path}/{plural}", limit="1")
    except ApiError as error:
        if error.status in NOT_YET:
            return False
        raise
    except aiohttp.ClientError:
        return False
    return True
