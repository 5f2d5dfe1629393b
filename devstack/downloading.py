"""Fetch a product from release archives, where the user names a place that has them.

Off unless `DEVSTACK_DOWNLOAD_BASE` is set. An archive is `<key>-<os>-<arch>.gz`, one compressed
executable, as `python -m devstack.binaries --pack FOLDER` writes it. What comes is checked against
the SHA-256 of the executable, pinned in `checksums.json` beside this file or given in
`DEVSTACK_DOWNLOAD_SHA256` (`<file>=<sha256>`, several with commas); without a checksum nothing is
downloaded, for what runs here has the rights of whoever runs it.
"""

from __future__ import annotations

import gzip
import hashlib
import http.client
import json
import os
import platform
import shutil
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from devstack.errors import BuildFailed
from devstack.products import Product
from devstack.progress import arrived, say, showing
from devstack.workplace import workplace

CHECKSUMS = Path(__file__).with_name("checksums.json")
CONNECT_SECONDS = 10.0
CHUNK_BYTES = 1 << 16
ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass
class Transfer:
    """How much of an archive has come."""

    done: int = 0
    whole: int | None = None
    """What the server says that it will send; not every one does."""

    def told(self, seconds: float) -> str:
        """To the person who waits, after so many seconds."""
        return arrived(self.done, self.whole, seconds)


def archive_name(product: Product) -> str:
    """The name of the product's archive for this machine."""
    machine = platform.machine().lower()
    return f"{product.key}-{platform.system().lower()}-{ARCHITECTURES.get(machine, machine)}.gz"


def download(product: Product, destination: Path) -> bool:
    """Fetch the product if a place and a checksum are known; say whether it is there now."""
    base = os.environ.get("DEVSTACK_DOWNLOAD_BASE", "").rstrip("/")
    if not base:
        return False
    name = archive_name(product)
    checksum = _checksums().get(name)
    if checksum is None:
        say(f"no checksum is known for {name}: not downloaded (see DEVSTACK_DOWNLOAD_SHA256)")
        return False
    with workplace(destination) as place:
        output = place / product.binary
        try:
            transfer = Transfer()
            with showing(f"downloading {product.contents}", transfer.told):
                _fetch(f"{base}/{name}", output, transfer)
        except (OSError, EOFError, urllib.error.URLError, http.client.HTTPException) as error:
            say(f"{base}/{name} cannot be had ({error}): going on without it")
            return False
        _verify(output, checksum, f"{base}/{name}")
        output.chmod(0o755)
        output.rename(destination)
    return True


def pack(product: Product, executable: Path, folder: Path) -> tuple[str, str]:
    """Write the archive that `download` reads; returns its name and the executable's checksum."""
    folder.mkdir(parents=True, exist_ok=True)
    name = archive_name(product)
    with (
        executable.open("rb") as source,
        (folder / name).open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as archive,
    ):
        shutil.copyfileobj(source, archive)
    return name, sha256_of(executable)


def sha256_of(path: Path) -> str:
    """The checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checksums() -> dict[str, str]:
    pinned: dict[str, str] = json.loads(CHECKSUMS.read_text()) if CHECKSUMS.exists() else {}
    given = os.environ.get("DEVSTACK_DOWNLOAD_SHA256", "")
    pairs = (pair.partition("=") for pair in given.split(",") if pair.strip())
    return pinned | {name.strip(): checksum.strip() for name, _, checksum in pairs}


def _fetch(url: str, output: Path, transfer: Transfer) -> None:
    packed = output.with_name(f"{output.name}.gz")
    # The person who set DEVSTACK_DOWNLOAD_BASE chose the scheme, file: included.
    with (
        urllib.request.urlopen(url, timeout=CONNECT_SECONDS) as answer,  # noqa: S310
        packed.open("wb") as file,
    ):
        length = answer.headers.get("Content-Length") or ""
        transfer.whole = int(length) if length.isdecimal() else None
        while chunk := answer.read(CHUNK_BYTES):
            file.write(chunk)
            transfer.done += len(chunk)
    with gzip.open(packed) as archive, output.open("wb") as file:
        shutil.copyfileobj(archive, file)


def _verify(output: Path, checksum: str, url: str) -> None:
    found = sha256_of(output)
    if found != checksum:
        raise BuildFailed(
            f"What {url} holds is not what was pinned (SHA-256 {found} instead of {checksum}). "
            "Nothing was installed; unset DEVSTACK_DOWNLOAD_BASE to build from source instead."
        )
