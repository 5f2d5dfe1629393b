"""What the local world is made of, and how each piece is had.

A *product* is one file that a module below `modules/` builds; it holds one or more *commands*.
`devstack-kube` holds four, and picks by its first argument.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

MODULES = Path(__file__).parent / "modules"

KUBE_VERSION = "1.37.2"
ETCD_VERSION = "3.7.0"
TEMPORAL_VERSION = "1.8.2"
KWOK_VERSION = "0.8.0"

Version = tuple[int, ...]


@dataclass(frozen=True)
class Probe:
    """How to ask a program found on this machine for its version, and the oldest that will do."""

    pattern: str
    oldest: Version

    def accepts(self, output: str) -> bool:
        """Whether what `--version` printed is recent enough."""
        found = re.search(self.pattern, output)
        return found is not None and version_of(found.group(1)) >= self.oldest


@dataclass(frozen=True)
class Product:
    """One file to find, download or build, and the commands in it."""

    name: str
    version: str
    binary: str
    commands: tuple[str, ...]
    package: str
    contents: str
    cpu_minutes: float
    """Of a build from nothing, taken from a slow machine: whoever waits is rather surprised than let down."""
    probes: Mapping[str, Probe] = field(default_factory=dict[str, Probe])
    link_values: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def module(self) -> Path:
        """The folder of the Go module that builds it."""
        return MODULES / self.name

    @property
    def multiplexed(self) -> bool:
        """Whether the command is the first argument of the file, not the file itself."""
        return len(self.commands) > 1

    @property
    def linker_flags(self) -> str:
        """Small binaries that know their own version."""
        values = (f"-X {name}={value}" for name, value in self.link_values.items())
        return " ".join(("-s -w", *values))

    @property
    def key(self) -> str:
        """Changes whenever what would be built changes."""
        digest = hashlib.sha256(f"{self.package} {self.linker_flags}".encode())
        for source in sorted(self.module.iterdir()):
            if source.name in {"go.mod", "go.sum"} or source.suffix == ".go":
                digest.update(source.name.encode() + b"\0" + source.read_bytes())
        return f"{self.name}-{self.version}-{digest.hexdigest()[:12]}"


def version_of(text: str) -> Version:
    """`1.37.2` as numbers, so that it can be compared."""
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])


_KUBE_MAJOR, _KUBE_MINOR, _ = KUBE_VERSION.split(".")
_KUBE_VARIABLES = "k8s.io/component-base/version"

KUBE = Product(
    name="kube",
    version=KUBE_VERSION,
    binary="devstack-kube",
    commands=("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"),
    package=".",
    contents=f"etcd {ETCD_VERSION} + kube-apiserver and controllers {KUBE_VERSION}",
    cpu_minutes=19,
    probes={
        "etcd": Probe(r"etcd Version: (\S+)", (3, 5)),
        "kube-apiserver": Probe(r"Kubernetes v(\S+)", (1, 30)),
        "kube-controller-manager": Probe(r"Kubernetes v(\S+)", (1, 30)),
        "kube-scheduler": Probe(r"Kubernetes v(\S+)", (1, 30)),
    },
    link_values={
        f"{_KUBE_VARIABLES}.gitVersion": f"v{KUBE_VERSION}",
        f"{_KUBE_VARIABLES}.gitMajor": _KUBE_MAJOR,
        f"{_KUBE_VARIABLES}.gitMinor": _KUBE_MINOR,
        f"{_KUBE_VARIABLES}.gitTreeState": "clean",
    },
)

TEMPORAL = Product(
    name="temporal",
    version=TEMPORAL_VERSION,
    binary="temporal",
    commands=("temporal",),
    package="github.com/temporalio/cli/cmd/temporal",
    contents=f"Temporal's development server and Web UI (CLI {TEMPORAL_VERSION})",
    cpu_minutes=11,
    probes={"temporal": Probe(r"Server (\d\S*?)[,)]", (1, 28))},
    link_values={"github.com/temporalio/cli/internal/temporalcli.Version": TEMPORAL_VERSION},
)

KWOK = Product(
    name="kwok",
    version=KWOK_VERSION,
    binary="kwok",
    commands=("kwok",),
    package="sigs.k8s.io/kwok/cmd/kwok",
    contents=f"kwok {KWOK_VERSION} (simulated nodes)",
    cpu_minutes=3,
    probes={"kwok": Probe(r"v?(\d+\.\d+\.\d+)", (0, 6))},
)

PRODUCTS = (TEMPORAL, KUBE, KWOK)
