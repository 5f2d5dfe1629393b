"""Which proxy leads to an API server: the kubeconfig's, else the environment's, as for kubectl."""

from __future__ import annotations

import pytest

from failover.kube.configuration import proxy_of_environment

PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("server", "no_proxy", "expected"),
    [
        pytest.param("https://east.example:6443", "", PROXY, id="taken"),
        pytest.param("https://east.example:6443", "other.example", PROXY, id="not-excepted"),
        pytest.param("https://east.example:6443", ".example", None, id="domain-excepted"),
        pytest.param("https://east.example:6443", "east.example:6443", None, id="port-excepted"),
        pytest.param("https://127.0.0.1:6443", "", None, id="this-machine"),
        pytest.param("https://[::1]:6443", "", None, id="this-machine-v6"),
        pytest.param("https://localhost:6443", "", None, id="localhost"),
        pytest.param("http://east.example", "", None, id="no-proxy-for-http"),
    ],
)
def test_the_environment_names_the_proxy(
    monkeypatch: pytest.MonkeyPatch, server: str, no_proxy: str, expected: str | None
) -> None:
    """`HTTPS_PROXY` counts, except for what `NO_PROXY` names and for this machine."""
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "no_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert proxy_of_environment(server) == expected
