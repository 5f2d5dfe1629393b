"""Where the programs of the local world come from: found, downloaded, or built, in this order.

1. A folder that the user names in `DEVSTACK_BINARIES`, or Kubernetes' `KUBEBUILDER_ASSETS`.
2. The cache, which holds exactly the pinned versions.
3. `PATH`, where the version is recent enough.
4. Release archives, if `DEVSTACK_DOWNLOAD_BASE` names a place (see `downloading`).
5. A build from the pinned Go modules (see `building`).

The commands of one product always come from one place, so that no world is made of two versions.
Run as `python -m devstack.binaries` this gets everything and prints where it is.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from devstack.building import build, only_one
from devstack.downloading import download, pack
from devstack.errors import BinaryMissing, DevstackError
from devstack.products import PRODUCTS, Product

Toolset = Mapping[str, tuple[str, ...]]
"""For each command (`kube-apiserver`, `temporal`, …) the beginning of its command line."""

PROBE_SECONDS = 10.0
BY_NAME = {product.name: product for product in PRODUCTS}


def cache_directory() -> Path:
    """Where builds are kept, outside of any checkout."""
    base = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(base) / "stateful-failover" / "bin"


def provide(products: Iterable[Product] = PRODUCTS) -> Toolset:
    """Every command of these products; takes minutes if something must be built first."""
    tools: dict[str, tuple[str, ...]] = {}
    for product in products:
        tools |= _named(product) or _cached(product) or _on_path(product) or _made(product)
    return tools


def _named(product: Product) -> Toolset:
    """From a folder that the user named."""
    for variable in ("DEVSTACK_BINARIES", "KUBEBUILDER_ASSETS"):
        if folder := os.environ.get(variable):
            tools = _in_folder(product, Path(folder))
            if tools:
                return tools
    return {}


def _in_folder(product: Product, folder: Path) -> Toolset:
    whole = folder / product.binary
    if os.access(whole, os.X_OK):
        return _commands(product, whole)
    each = {command: folder / command for command in product.commands}
    if all(os.access(path, os.X_OK) for path in each.values()):
        return {command: (str(path),) for command, path in each.items()}
    return {}


def _cached(product: Product) -> Toolset:
    path = _cache_path(product)
    return _commands(product, path) if os.access(path, os.X_OK) else {}


def _on_path(product: Product) -> Toolset:
    found = {command: shutil.which(command) for command in product.commands}
    if all(path and _recent_enough(product, command, path) for command, path in found.items()):
        return {command: (str(path),) for command, path in found.items()}
    return {}


def _recent_enough(product: Product, command: str, path: str) -> bool:
    try:
        ran = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=PROBE_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return product.probes[command].accepts(ran.stdout + ran.stderr)


def _made(product: Product) -> Toolset:
    """Downloaded or built into the cache, by one process at a time."""
    path = _cache_path(product)
    with only_one(cache_directory() / f"{product.key}.lock", product.contents):
        if not path.exists() and not download(product, path):
            build(product, path, cache_directory())
    return _commands(product, path)


def _cache_path(product: Product) -> Path:
    return cache_directory() / product.key / product.binary


def _commands(product: Product, path: Path) -> Toolset:
    if product.multiplexed:
        return {command: (str(path), command) for command in product.commands}
    return {command: (str(path),) for command in product.commands}


def main() -> int:
    """Get everything, and say where it is."""
    parser = argparse.ArgumentParser(prog="python -m devstack.binaries", description=__doc__)
    parser.add_argument("--pack", type=Path, metavar="FOLDER", help="write release archives here")
    parser.add_argument("--quiet", action="store_true", help="say nothing when all is there")
    parser.add_argument(
        "products", nargs="*", metavar="PRODUCT", help="of " + ", ".join(BY_NAME) + "; else all"
    )
    options = parser.parse_args()
    if unknown := set(options.products) - BY_NAME.keys():
        parser.error(f"no product {', '.join(sorted(unknown))}; there are {', '.join(BY_NAME)}")
    try:
        for name in options.products or BY_NAME:
            tools = provide([BY_NAME[name]])
            if not options.quiet:
                _report(BY_NAME[name], tools)
            if options.pack is not None:
                _pack(BY_NAME[name], tools, options.pack)
    except DevstackError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    return 0


def _report(product: Product, tools: Toolset) -> None:
    for command in product.commands:
        sys.stdout.write(f"{command}: {' '.join(tools[command])}\n")


def _pack(product: Product, tools: Toolset, folder: Path) -> None:
    """Archives are made of our own builds only: one file per product."""
    executable = Path(tools[product.commands[0]][0])
    if executable.name != product.binary:
        raise BinaryMissing(f"{executable} is not a build of {product.name} that can be packed.")
    name, checksum = pack(product, executable, folder)
    sys.stdout.write(f"{folder / name}: {checksum}\n")


if __name__ == "__main__":
    sys.exit(main())
