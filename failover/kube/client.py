"""One `ApiClient`, as far as we use it: raw requests in, status and bytes out.

The library's methods are partly untyped; this is the one place that knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from kubernetes.aio.client import ApiClient

from failover.kube.configuration import client_configuration

if TYPE_CHECKING:
    import aiohttp

    from failover.kube.configuration import Access

USER_AGENT = "stateful-failover"


class Client:
    """The connections to one server with one certificate, and the number of requests on them."""

    def __init__(self, access: Access) -> None:
        """Load the certificates; nothing is opened yet."""
        with client_configuration(access) as configuration:
            self._api: Any = ApiClient(configuration)
        self._api.user_agent = USER_AGENT
        self.transport = access.transport
        self.users = 0

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: tuple[tuple[str, str], ...],
        headers: dict[str, str],
        body: object,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - of its sockets only
    ) -> aiohttp.ClientResponse:
        """Send a request; gives the response once its headers are there, its body unread."""
        serialized = await self._api.param_serialize(
            method, path, query_params=list(query), header_params=headers, body=body
        )
        answer = await self._api.call_api(*serialized, _request_timeout=timeout)
        return cast("aiohttp.ClientResponse", answer.response)

    async def close(self) -> None:
        """Close all its connections."""
        await self._api.close()
