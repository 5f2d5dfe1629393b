"""Users of a kubeconfig that we cannot be: each is told with what to change, and none is tried again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from failover.domain.errors import CredentialsRejected
from failover.kube.credentials import Credential, obtain
from failover.kube.kubeconfig import read_kubeconfig

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EXEC = {"apiVersion": "client.authentication.k8s.io/v1"}


async def as_user(folder: Path, user: dict[str, Any]) -> Credential:
    """The credential of a kubeconfig's only user."""
    path = folder / "kubeconfig"
    document = {
        "clusters": [{"name": "one", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "us", "user": user}],
        "contexts": [{"name": "east", "context": {"cluster": "one", "user": "us"}}],
    }
    path.write_text(yaml.safe_dump(document))
    return await obtain(read_kubeconfig((path,), {}).context("east"), NOW, None)


@pytest.mark.parametrize(
    ("user", "reason", "message"),
    [
        pytest.param(
            {"auth-provider": {"name": "gcp", "config": {"access-token": "canary"}}},
            "AuthProviderUnsupported",
            "context east: the auth-provider 'gcp' is no longer part of Kubernetes; use its exec plugin in the "
            "kubeconfig instead",
            id="auth-provider",
        ),
        pytest.param(
            {"exec": {**EXEC, "command": "no-such-plugin", "args": ["canary"]}},
            "CredentialPluginMissing",
            "context east: the plugin 'no-such-plugin' cannot be started (No such file or directory): install "
            "'no-such-plugin' where the worker runs",
            id="plugin not on the PATH",
        ),
        pytest.param(
            {"exec": {**EXEC, "command": "./kubeconfig", "installHint": "chmod +x it\n"}},
            "CredentialPluginMissing",
            "context east: the plugin './kubeconfig' cannot be started (Permission denied): chmod +x it",
            id="plugin that is no program",
        ),
    ],
)  # fmt: skip
async def test_a_user_that_we_cannot_be_says_what_to_change(
    tmp_path: Path, user: dict[str, Any], reason: str, message: str
) -> None:
    """Which context, what is wrong with it, and how it is mended; nothing that may be secret."""
    with pytest.raises(CredentialsRejected) as caught:
        await as_user(tmp_path, user)
    assert (caught.value.reason, caught.value.message) == (reason, message)
    assert not caught.value.transient


async def test_an_auth_provider_that_is_none_is_nobody(tmp_path: Path) -> None:
    """Whoever has emptied the stanza is without credentials, as for kubectl."""
    assert await as_user(tmp_path, {"auth-provider": None}) == Credential(obtained=NOW)
