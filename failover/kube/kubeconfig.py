"""Kubeconfig files, read into frozen values: which contexts there are, and how each is reached.

Several files are merged as kubectl does: the first to name a thing wins, and relative paths are
relative to the file that names them. The loader of `kubernetes.aio.config` is not used: it leaves
private keys in temporary files until the process ends, swallows the errors of exec plugins, runs a
plugin whose tokens live less than five minutes before each request, and refreshes OIDC tokens
without verifying the issuer's certificate.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from failover.domain.errors import InvalidInput
from failover.kube.plain import Node, node, nodes

IN_CLUSTER = "in-cluster"
_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True)
class Context:
    """One context: the server, and who we are there, as plain kubeconfig stanzas."""

    name: str
    cluster: Node = field(repr=False)
    cluster_folder: Path
    user: Node = field(repr=False)
    user_folder: Path

    @property
    def server(self) -> str:
        """The address of the API server, without a slash at the end."""
        return str(self.cluster.get("server", "")).rstrip("/")


@dataclass(frozen=True)
class Kubeconfig:
    """What the files say, taken together."""

    paths: tuple[Path, ...]
    current: str
    contexts: Mapping[str, Context]

    @property
    def where(self) -> str:
        """The files, for messages."""
        return ", ".join(str(path) for path in self.paths) or "no kubeconfig file"

    def context(self, name: str) -> Context:
        """One context; a missing one is an error that names the file and those that exist."""
        if name in self.contexts:
            return self.contexts[name]
        known = ", ".join(sorted(self.contexts)) or "none"
        raise InvalidInput(
            f"{self.where}: there is no context {name!r}; the contexts there are: {known}",
            reason="MissingContext",
        )


def kubeconfig_paths(given: str | Path | None, environment: Mapping[str, str]) -> tuple[Path, ...]:
    """The files to read: the given one, else those of KUBECONFIG, else `~/.kube/config`.

    Empty inside a pod that has no kubeconfig: its service account is used then.
    """
    if given:
        return (Path(given).expanduser(),)
    separated = environment.get("KUBECONFIG", "")
    if separated:
        # The separator is that of PATH, as for kubectl.
        paths = tuple(Path(part).expanduser() for part in separated.split(os.pathsep) if part)
        return tuple(path for path in paths if path.exists()) or paths[:1]
    default = Path("~/.kube/config").expanduser()
    if not default.exists() and environment.get("KUBERNETES_SERVICE_HOST"):
        return ()
    return (default,)


def read_kubeconfig(paths: tuple[Path, ...], environment: Mapping[str, str]) -> Kubeconfig:
    """Read and merge the files; without any, the service account of the pod we run in."""
    if not paths:
        return _in_cluster(environment)
    documents = [(path, _read(path)) for path in paths]
    clusters = _merged(documents, "clusters", "cluster")
    users = _merged(documents, "users", "user")
    contexts: dict[str, Context] = {}
    for name, (stanza, folder) in _merged(documents, "contexts", "context").items():
        where = f"{', '.join(str(path) for path in paths)}: context {name!r}"
        cluster, cluster_folder = _named(clusters, stanza.get("cluster"), "cluster", where)
        anonymous: tuple[Node, Path] = ({}, folder)
        named = stanza.get("user")
        user, user_folder = _named(users, named, "user", where) if named else anonymous
        contexts[name] = Context(name, cluster, cluster_folder, user, user_folder)
    current = next(
        (str(d["current-context"]) for _, d in documents if d.get("current-context")), ""
    )
    return Kubeconfig(paths, current, contexts)


def content(stanza: Node, key: str, folder: Path) -> bytes:
    """`KEY-data` decoded, or the content of the file that `KEY` names, or nothing."""
    data = stanza.get(f"{key}-data")
    if data:
        try:
            return base64.b64decode(str(data), validate=False)
        except binascii.Error as error:
            raise InvalidInput(
                f"kubeconfig: {key}-data is not base64", reason="KubeconfigUnreadable"
            ) from error
    if not stanza.get(key):
        return b""
    return read_file(folder / str(stanza[key]), f"the {key} of the kubeconfig")


def read_file(path: Path, what: str) -> bytes:
    """A file that the kubeconfig names."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(
            f"{path}: {what} cannot be read ({error.strerror})", reason="KubeconfigUnreadable"
        ) from error


def _read(path: Path) -> Node:
    try:
        document = node(yaml.safe_load(path.read_text()))
    except OSError as error:
        raise InvalidInput(
            f"{path}: the kubeconfig cannot be read ({error.strerror}); "
            "set KUBECONFIG or give its path",
            reason="KubeconfigUnreadable",
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        # The error's own text would quote the file, which holds credentials.
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise InvalidInput(
            f"{path}{line}: the kubeconfig is not valid YAML", reason="KubeconfigUnreadable"
        ) from None
    if not document:
        raise InvalidInput(
            f"{path}: the kubeconfig is empty or no mapping", reason="KubeconfigUnreadable"
        )
    return document


def _merged(
    documents: list[tuple[Path, Node]], plural: str, singular: str
) -> dict[str, tuple[Node, Path]]:
    found: dict[str, tuple[Node, Path]] = {}
    for path, document in documents:
        for index, entry in enumerate(nodes(document.get(plural))):
            if not entry.get("name"):
                raise InvalidInput(f"{path}: {plural}[{index}]: a name is missing")
            found.setdefault(
                str(entry["name"]), (node(entry.get(singular)), path.absolute().parent)
            )
    return found


def _named(
    entries: dict[str, tuple[Node, Path]], name: object, what: str, where: str
) -> tuple[Node, Path]:
    if name in entries:
        return entries[str(name)]
    raise InvalidInput(f"{where} names the {what} {name!r}, which the kubeconfig does not have")


def _in_cluster(environment: Mapping[str, str]) -> Kubeconfig:
    host = environment.get("KUBERNETES_SERVICE_HOST", "")
    port = environment.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        raise InvalidInput(
            "no kubeconfig: set KUBECONFIG, or run inside a pod", reason="KubeconfigUnreadable"
        )
    host = f"[{host}]" if ":" in host else host
    cluster: Node = {
        "server": f"https://{host}:{port}",
        "certificate-authority": str(_SERVICE_ACCOUNT / "ca.crt"),
    }
    user: Node = {"tokenFile": str(_SERVICE_ACCOUNT / "token")}
    context = Context(IN_CLUSTER, cluster, _SERVICE_ACCOUNT, user, _SERVICE_ACCOUNT)
    return Kubeconfig((), IN_CLUSTER, {IN_CLUSTER: context})
