"""A simulated cluster: just enough of an API server for ten thousand idle applications.

It speaks discovery, get, pages of a list (by labels too), watch with bookmarks, and create, for the kinds that it is
given; objects live in memory, and are written by the bench itself. It knows no rights, no schemas and
no other writes. What it answers is what an API server would answer, or an error.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, cast

from aiohttp import web
from aiohttp.typedefs import Handler

Manifest = dict[str, Any]

LOG_MAX = 100_000
"""So many changes can be watched from; an older version has expired, as with etcd's compaction."""
BOOKMARK_SECONDS = 60.0
FLUSH_SECONDS = 0.002
_VERBS = ("create", "delete", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True)
class Kind:
    """One kind, in its one version."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """As it stands in a manifest."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def root(self) -> str:
        """Where its objects are served."""
        return f"/apis/{self.api_version}" if self.group else f"/api/{self.version}"


@dataclass(frozen=True)
class _Event:
    version: int
    namespace: str
    line: bytes


@dataclass
class Collection:
    """All objects of a kind, and what has changed lately."""

    kind: Kind
    objects: dict[tuple[str, str], Manifest] = field(
        default_factory=dict[tuple[str, str], Manifest]
    )
    log: deque[_Event] = field(default_factory=lambda: deque[_Event](maxlen=LOG_MAX))
    first_kept: int = 0
    """The oldest version that can still be watched from."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def since(self, version: int, namespace: str) -> list[_Event]:
        """The changes after a version, oldest first; only the end of the log is looked at."""
        found: list[_Event] = []
        for event in reversed(self.log):
            if event.version <= version:
                break
            if namespace in ("", event.namespace):
                found.append(event)
        return found[::-1]


class SimulatedCluster:
    """The objects of one cluster, and an application of aiohttp that serves them."""

    def __init__(
        self, name: str, kinds: Sequence[Kind], *, bookmark_seconds: float = BOOKMARK_SECONDS
    ) -> None:
        """Begin with `kube-system` alone, whose uid is the cluster's."""
        namespaces = Kind("", "v1", "Namespace", "namespaces", namespaced=False)
        self.name, self.version = name, 1
        self.listed, self.watched, self.watched_from = 0, 0, 0
        """How many lists and watches were asked for, and the version of the last watch."""
        self.requests = 0
        """Of whatever kind; a watch is one."""
        self.asked = asyncio.Event()
        self._bookmark_seconds = bookmark_seconds
        self._collections = {each: Collection(each) for each in (namespaces, *kinds)}
        self.put(namespaces, {"metadata": {"name": "kube-system"}})
        self.application = web.Application(middlewares=[self._counted])
        self.application.add_routes(self._routes())

    def put(self, kind: Kind, manifest: Manifest) -> Manifest:
        """Write an object as it is to be from now on; what it took the place of is left as it was."""
        collection = self._collections[kind]
        metadata = manifest["metadata"]
        key = str(metadata.get("namespace") or ""), str(metadata["name"])
        before = collection.objects.get(key)
        uid = before["metadata"]["uid"] if before else f"{self.name}-{kind.plural}-{'-'.join(key)}"
        self.version += 1
        stamped = {**metadata, "uid": uid, "resourceVersion": str(self.version)}
        stored = {
            **manifest, "apiVersion": kind.api_version, "kind": kind.kind, "metadata": stamped
        }  # fmt: skip
        collection.objects[key] = stored
        self._log(collection, "MODIFIED" if before else "ADDED", stored)
        return stored

    def delete(self, kind: Kind, namespace: str, name: str) -> None:
        """Take an object away."""
        collection = self._collections[kind]
        gone = collection.objects.pop((namespace, name))
        self.version += 1
        stamped = {**gone["metadata"], "resourceVersion": str(self.version)}
        self._log(collection, "DELETED", {**gone, "metadata": stamped})

    def get(self, kind: Kind, namespace: str, name: str) -> Manifest:
        """An object as it is."""
        return self._collections[kind].objects[namespace, name]

    def forget(self) -> None:
        """Let all that was expire, so that who watches from an old version has to list again."""
        for each in self._collections.values():
            each.log.clear()
            each.first_kept = self.version

    def _log(self, collection: Collection, what: str, manifest: Manifest) -> None:
        log = collection.log
        if len(log) == LOG_MAX:
            collection.first_kept = log[0].version
        line = json.dumps({"type": what, "object": manifest}, separators=(",", ":")).encode()
        namespace = str(manifest["metadata"].get("namespace") or "")
        log.append(_Event(self.version, namespace, line + b"\n"))
        collection.changed.set()

    @web.middleware
    async def _counted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.requests += 1
        return await handler(request)

    # What is served

    def _routes(self) -> list[web.RouteDef]:
        routes = [
            web.get("/version", _plain({"major": "1", "minor": "34"})),
            web.get("/readyz", _plain({})),
            web.get("/api", _plain({"kind": "APIVersions", "versions": ["v1"]})),
            web.get("/apis", _plain({"kind": "APIGroupList", "groups": self._groups()})),
        ]
        roots = sorted({each.root for each in self._collections})
        routes += [web.get(root, _plain(self._resources(root))) for root in roots]
        for collection in self._collections.values():
            kind, serve = collection.kind, _Serving(self, collection, self._bookmark_seconds)
            inside = f"{kind.root}/namespaces/{{namespace}}" if kind.namespaced else kind.root
            routes.append(web.get(f"{kind.root}/{kind.plural}", serve.many))
            routes.append(web.get(f"{inside}/{kind.plural}/{{name}}", serve.one))
            routes.append(web.post(f"{inside}/{kind.plural}", serve.create))
            if kind.namespaced:
                routes.append(web.get(f"{inside}/{kind.plural}", serve.many))
        return routes

    def _groups(self) -> list[Manifest]:
        groups: dict[str, Manifest] = {}
        for kind in self._collections:
            if kind.group:
                version = {"groupVersion": kind.api_version, "version": kind.version}
                groups[kind.group] = {
                    "name": kind.group, "versions": [version], "preferredVersion": version
                }  # fmt: skip
        return list(groups.values())

    def _resources(self, root: str) -> Manifest:
        resources = [
            {
                "name": kind.plural,
                "singularName": kind.kind.lower(),
                "kind": kind.kind,
                "namespaced": kind.namespaced,
                "verbs": list(_VERBS),
            }
            for kind in self._collections
            if kind.root == root
        ]
        return {"kind": "APIResourceList", "resources": resources}


@dataclass(frozen=True)
class _Serving:
    """Answers about one kind."""

    cluster: SimulatedCluster
    collection: Collection
    bookmark_seconds: float

    async def one(self, request: web.Request) -> web.StreamResponse:
        key = request.match_info.get("namespace", ""), request.match_info["name"]
        found = self.collection.objects.get(key)
        if found is None:
            return _status(
                404, "NotFound", f"{self.collection.kind.plural} {key[1]} not found", key[1]
            )
        return web.json_response(found)

    async def create(self, request: web.Request) -> web.StreamResponse:
        manifest: Manifest = await request.json()
        namespace, name = request.match_info.get("namespace", ""), manifest["metadata"]["name"]
        if (namespace, name) in self.collection.objects:
            return _status(409, "AlreadyExists", f"{name} is there")
        if request.query.get("dryRun"):
            return web.json_response(manifest, status=201)
        return web.json_response(self.cluster.put(self.collection.kind, manifest), status=201)

    async def many(self, request: web.Request) -> web.StreamResponse:
        namespace = request.match_info.get("namespace", "")
        if "fieldSelector" in request.query:
            return _status(400, "BadRequest", "the simulated cluster knows no field selectors")
        if request.query.get("watch") in ("1", "true"):
            if "labelSelector" in request.query:
                return _status(400, "BadRequest", "it watches by no labels")
            return await self._watch(request)
        return self._page(request.query, namespace)

    def _page(self, query: Mapping[str, str], namespace: str) -> web.StreamResponse:
        """A page; all pages carry the version of the first, so that a watch misses nothing since."""
        self.cluster.listed += 1
        version, _, after = (query.get("continue") or f"{self.cluster.version}:").partition(":")
        # By name, as etcd has it: an object that comes meanwhile moves no other to another page.
        chosen = _selected_by(query.get("labelSelector", ""))
        objects = self.collection.objects
        names = sorted(key for key in objects if namespace in ("", key[0]) and chosen(objects[key]))
        rest = [key for key in names if "/".join(key) > after] if after else names
        limit = int(query.get("limit") or 0) or len(rest)
        metadata = {"resourceVersion": version}
        if len(rest) > limit:
            metadata["continue"] = f"{version}:{'/'.join(rest[limit - 1])}"
        kind = self.collection.kind
        items = [self.collection.objects[key] for key in rest[:limit]]
        answer = {"kind": f"{kind.kind}List", "apiVersion": kind.api_version}
        return web.json_response({**answer, "metadata": metadata, "items": items})

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        version = int(request.query.get("resourceVersion") or self.cluster.version)
        self.cluster.watched, self.cluster.watched_from = self.cluster.watched + 1, version
        self.cluster.asked.set()
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + float(request.query.get("timeoutSeconds") or 300)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        if version < self.collection.first_kept:
            gone = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}
            await response.write(_line("ERROR", gone))
            return response
        with suppress(ConnectionResetError):  # whoever watches may leave at any time
            await self._tell(request, response, version, ends_at)
        return response

    async def _tell(
        self, request: web.Request, response: web.StreamResponse, version: int, ends_at: float
    ) -> None:
        loop, namespace = asyncio.get_running_loop(), request.match_info.get("namespace", "")
        bookmark_at = loop.time() + self.bookmark_seconds
        while (now := loop.time()) < ends_at:
            reached = self.cluster.version
            if events := self.collection.since(version, namespace):
                await response.write(b"".join(each.line for each in events))
            version = reached
            if now >= bookmark_at and "allowWatchBookmarks" in request.query:
                kind = self.collection.kind
                mark = {"kind": kind.kind, "apiVersion": kind.api_version,
                        "metadata": {"resourceVersion": str(version)}}  # fmt: skip
                await response.write(_line("BOOKMARK", mark))
                bookmark_at = now + self.bookmark_seconds
            await self._news(version, min(ends_at, bookmark_at) - now)

    async def _news(self, version: int, seconds: float) -> None:
        """Return on a change after this version, or when time is up."""
        log, changed = self.collection.log, self.collection.changed
        try:
            async with asyncio.timeout(max(seconds, 0)):
                while not log or log[-1].version <= version:
                    changed.clear()
                    await changed.wait()
        except TimeoutError:
            return
        await asyncio.sleep(FLUSH_SECONDS)  # as an API server does not write each line by itself


@asynccontextmanager
async def served(clusters: Sequence[SimulatedCluster]) -> AsyncGenerator[list[str], None]:
    """Serve each on a port of its own until the end of the block; gives their addresses."""
    runners: list[web.AppRunner] = []
    addresses: list[str] = []
    try:
        for each in clusters:
            runner = web.AppRunner(each.application, access_log=None, shutdown_timeout=0)
            runners.append(runner)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            addresses.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
        yield addresses
    finally:
        for runner in runners:
            await runner.cleanup()


def _selected_by(selector: str) -> Callable[[Manifest], bool]:
    """Whether an object has all labels of a selector; of their values only equality is known."""
    wanted = dict(each.split("=", 1) for each in selector.split(",") if each)

    def chosen(manifest: Manifest) -> bool:
        labels = cast("dict[str, str]", manifest["metadata"].get("labels") or {})
        return all(labels.get(key) == value for key, value in wanted.items())

    return chosen


def _plain(answer: Manifest) -> Any:
    async def handler(_: web.Request) -> web.StreamResponse:
        return web.json_response(answer)

    return handler


def _line(what: str, manifest: Manifest) -> bytes:
    return json.dumps({"type": what, "object": manifest}).encode() + b"\n"


def _status(code: int, reason: str, message: str, name: str = "") -> web.Response:
    details = {"name": name} if name else {}
    answer = {
        "kind": "Status", "code": code, "reason": reason, "message": message, "details": details
    }  # fmt: skip
    return web.json_response(answer, status=code)
