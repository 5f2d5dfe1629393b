"""What an API server cannot say at the moment is not taken for absent, and what has no end is not read."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from failover.domain.errors import ClusterBusy, DefiniteError, UnknownKind
from failover.domain.identity import GroupKind
from failover.kube import listing
from failover.kube.cluster import KubeCluster
from tests.support.connecting import connected

CONFIG_MAP = GroupKind("", "ConfigMap")
SERVED = {
    "name": "configmaps",
    "singularName": "configmap",
    "kind": "ConfigMap",
    "namespaced": True,
    "verbs": ["get", "list"],
}
GROUP = "metrics.example"


@dataclass
class ApiServer:
    """Serves ConfigMaps, and a group whose own server is down."""

    aggregates: bool = True
    config_maps: int = 0
    pages: list[str] = field(default_factory=list[str])
    """The token with which each page was asked for."""

    async def answer(self, request: web.Request) -> web.Response:
        """One request; only what the tests ask for is there."""
        serve = self._served.get(request.path)
        if serve is None:
            return web.Response(status=503 if GROUP in request.path else 404)
        return web.json_response(serve(request))

    @property
    def _served(self) -> dict[str, Callable[[web.Request], Any]]:
        return {
            "/readyz": lambda _: "ok",
            "/api": lambda _: (
                self._aggregated(_core()) if self.aggregates else {"versions": ["v1"]}
            ),
            "/apis": lambda _: self._aggregated(_silent()) if self.aggregates else _groups(),
            "/api/v1": lambda _: {"resources": [SERVED]},
            "/api/v1/namespaces/shop/configmaps": self._page,
        }

    def _aggregated(self, group: dict[str, Any]) -> dict[str, Any]:
        return {"kind": "APIGroupDiscoveryList", "items": [group]}

    def _page(self, request: web.Request) -> dict[str, Any]:
        self.pages.append(request.query.get("continue", ""))
        begin, limit = int(self.pages[-1] or 0), int(request.query["limit"])
        end = min(begin + limit, self.config_maps)
        items = [{"metadata": {"name": str(each)}} for each in range(begin, end)]
        rest = str(end) if end < self.config_maps else ""
        metadata = {"resourceVersion": "7", "continue": rest}
        return {
            "apiVersion": "v1",
            "kind": "ConfigMapList",
            "metadata": metadata,
            "items": items,
        }


def _core() -> dict[str, Any]:
    resource = {
        "resource": SERVED["name"],
        "responseKind": {"kind": SERVED["kind"]},
        "scope": "Namespaced",
        "verbs": SERVED["verbs"],
    }
    version = {"version": "v1", "freshness": "Current", "resources": [resource]}
    return {"metadata": {}, "versions": [version]}


def _silent() -> dict[str, Any]:
    version = {"version": "v1", "freshness": "Stale"}
    return {"metadata": {"name": GROUP}, "versions": [version]}


def _groups() -> dict[str, Any]:
    return {"groups": [{"name": GROUP, "versions": [{"version": "v1"}]}]}


@asynccontextmanager
async def east(server: ApiServer, folder: Path) -> AsyncGenerator[KubeCluster, None]:
    """This server as a cluster."""
    app = web.Application()
    app.router.add_get("/{path:.*}", server.answer)
    async with connected(app, folder) as connection:
        cluster = KubeCluster(connection)
        try:
            yield cluster
        finally:
            await cluster.close()


@pytest.mark.parametrize(
    "aggregates", [pytest.param(True, id="at once"), pytest.param(False, id="group by group")]
)
async def test_a_kind_of_a_silent_group_is_not_unknown(tmp_path: Path, *, aggregates: bool) -> None:
    """Nobody can say whether it is served: tried again, with the group and where to look; the rest is served."""
    async with east(ApiServer(aggregates), tmp_path) as cluster:
        for asked in (
            cluster.resource(GroupKind(GROUP, "PodMetrics")),
            cluster.lookup(f"podmetrics.{GROUP}"),
            cluster.lookup("podmetrics"),
        ):
            with pytest.raises(ClusterBusy) as caught:
                await asked
            assert caught.value.reason == "GroupSilent"
            assert caught.value.transient
            assert "east cannot say whether it serves " in caught.value.message
            assert f"the API group {GROUP} does not answer" in caught.value.message
            assert "look at its APIService there" in caught.value.message
        assert (await cluster.resource(CONFIG_MAP)).plural == "configmaps"
        with pytest.raises(UnknownKind):
            await cluster.resource(GroupKind("other.example", "PodMetrics"))


async def test_a_list_without_end_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is longer than is read is an error with what to do, and not a part of it; nor is it read further."""
    monkeypatch.setattr(listing, "PAGE_SIZE", 2)
    monkeypatch.setattr(listing, "LIST_OBJECTS_MAX", 5)
    server = ApiServer(config_maps=5)
    async with east(server, tmp_path) as cluster:
        assert len(await cluster.list(CONFIG_MAP, "shop")) == 5
        assert server.pages == ["", "2", "4"]
        server.config_maps = 100
        with pytest.raises(DefiniteError) as caught:
            await cluster.list(CONFIG_MAP, "shop")
    assert server.pages[3:] == ["", "2", "4"]
    assert caught.value.reason == "TooManyObjects"
    assert caught.value.message == (
        "list ConfigMap in shop on east: more than 5 objects, and so many are not read at once; clear out what nobody needs "
        "there, or name the namespaces that are meant in the policies"
    )
