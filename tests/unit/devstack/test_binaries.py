"""Where programs come from: the order of places, and what is not trusted."""

from __future__ import annotations

import gzip
import hashlib
import random
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from devstack.binaries import provide
from devstack.building import estimate
from devstack.downloading import archive_name, download, pack
from devstack.errors import BuildFailed
from devstack.products import KUBE, KWOK, PRODUCTS, TEMPORAL, Product
from devstack.progress import arrived


@pytest.fixture(autouse=True)
def nothing_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with an empty cache, an empty PATH and no wishes."""
    for name in ("DEVSTACK_BINARIES", "KUBEBUILDER_ASSETS", "DEVSTACK_DOWNLOAD_BASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("DEVSTACK_DOWNLOAD_SHA256", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))


def program(path: Path, prints: str = "") -> Path:
    """A program that prints something."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{prints}'\n")
    path.chmod(0o755)
    return path


def test_named_folder_comes_before_everything_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the user names is taken, whatever its version."""
    mine = program(tmp_path / "mine" / "temporal")
    program(tmp_path / "path" / "temporal", "temporal version 1.8.2 (Server 1.31.2, UI 2.50.1)")
    monkeypatch.setenv("DEVSTACK_BINARIES", str(mine.parent))
    assert provide([TEMPORAL]) == {"temporal": (str(mine),)}


def test_commands_of_a_product_come_from_one_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kubebuilder's folder has no controller manager: then all of it comes from our own build."""
    for name in ("etcd", "kube-apiserver"):
        program(tmp_path / "assets" / name)
    whole = program(tmp_path / "cache" / "stateful-failover" / "bin" / KUBE.key / KUBE.binary)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "assets"))
    assert provide([KUBE]) == {command: (str(whole), command) for command in KUBE.commands}


@pytest.mark.parametrize(
    ("prints", "taken"),
    [
        pytest.param("temporal version 1.8.2 (Server 1.31.2, UI 2.50.1)", True, id="recent"),
        pytest.param("temporal version 0.9.0 (Server 1.20.0, UI 2.9.1)", False, id="old"),
        pytest.param("hello", False, id="something-else"),
    ],
)
def test_path_is_used_where_the_version_is_recent_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prints: str, *, taken: bool
) -> None:
    """An old server on PATH would be slower or lack what we use: it is passed over."""
    found = program(tmp_path / "path" / "temporal", prints)
    built: list[Product] = []

    def build(product: Product, destination: Path, cache: Path) -> None:
        del destination, cache
        built.append(product)

    monkeypatch.setattr("devstack.binaries.build", build)
    tools = provide([TEMPORAL])
    assert (tools["temporal"] == (str(found),)) is taken
    assert built == ([] if taken else [TEMPORAL])


def test_packed_archive_is_downloaded_and_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was packed on one machine runs on another, if its checksum is known there."""
    name, checksum = pack(KWOK, program(tmp_path / "kwok", "kwok"), tmp_path / "releases")
    monkeypatch.setenv("DEVSTACK_DOWNLOAD_BASE", (tmp_path / "releases").as_uri())
    monkeypatch.setenv("DEVSTACK_DOWNLOAD_SHA256", f"{name}={checksum}")
    destination = tmp_path / "here" / "kwok"
    assert download(KWOK, destination)
    assert destination.read_bytes() == (tmp_path / "kwok").read_bytes()
    assert destination.stat().st_mode & 0o111


def test_archive_with_another_checksum_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something else under the right name is never installed."""
    releases = tmp_path / "releases"
    releases.mkdir()
    (releases / archive_name(KWOK)).write_bytes(gzip.compress(b"something else"))
    expected = hashlib.sha256(b"kwok").hexdigest()
    monkeypatch.setenv("DEVSTACK_DOWNLOAD_BASE", releases.as_uri())
    monkeypatch.setenv("DEVSTACK_DOWNLOAD_SHA256", f"{archive_name(KWOK)}={expected}")
    with pytest.raises(BuildFailed, match="not what was pinned"):
        download(KWOK, tmp_path / "here" / "kwok")
    assert not (tmp_path / "here" / "kwok").exists()


def test_unreachable_archive_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the place does not answer, the build takes over."""
    monkeypatch.setenv("DEVSTACK_DOWNLOAD_BASE", (tmp_path / "nowhere").as_uri())
    monkeypatch.setenv("DEVSTACK_DOWNLOAD_SHA256", f"{archive_name(KWOK)}={'0' * 64}")
    assert not download(KWOK, tmp_path / "here" / "kwok")


@pytest.mark.parametrize("sized", [True, False], ids=["with a length", "without"])
def test_a_download_says_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, sized: bool
) -> None:
    """Halfway, as many seconds are left as it has taken; where the server tells no length, nothing is made up."""
    large = program(tmp_path / "kwok", random.Random(1).randbytes(300_000).hex())
    name, checksum = pack(KWOK, large, tmp_path / "releases")
    archive = (tmp_path / "releases" / name).read_bytes()
    wanted = r"0\.1 of 0\.3 MB, about \d+ s left$" if sized else r"so far, 0\.1 MB$"
    told = threading.Event()

    class Slow(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Half of it, and the rest once that was told."""
            self.send_response(200)
            if sized:
                self.send_header("Content-Length", str(len(archive)))
            self.end_headers()
            self.wfile.write(archive[: len(archive) // 2])
            told.wait(30)
            self.wfile.write(archive[len(archive) // 2 :])

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - so it is named there
            """Say nothing."""

    def say(line: str) -> None:
        if re.search(wanted, line):
            told.set()

    monkeypatch.setattr("devstack.progress.PLAIN_SECONDS", 0.01)
    monkeypatch.setattr("devstack.progress.ESTIMATED_AFTER_SECONDS", 0)
    monkeypatch.setattr("devstack.progress.say", say)
    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("DEVSTACK_DOWNLOAD_BASE", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("DEVSTACK_DOWNLOAD_SHA256", f"{name}={checksum}")
        assert download(KWOK, tmp_path / "here" / "kwok")
        server.shutdown()
    assert told.is_set()


@pytest.mark.parametrize(
    ("done", "whole", "seconds", "said"),
    [
        pytest.param(
            12_000_000, 48_000_000, 10, "12.0 of 48.0 MB, about 30 s left", id="a quarter"
        ),
        pytest.param(
            12_000_000, 48_000_000, 40, "12.0 of 48.0 MB, about 2 min 00 s left", id="it stalls"
        ),
        pytest.param(48_000_000, 48_000_000, 10, "48.0 of 48.0 MB, about 0 s left", id="all of it"),
        pytest.param(12_000_000, 48_000_000, 1, "12.0 of 48.0 MB", id="too early to say"),
        pytest.param(0, 48_000_000, 10, "0.0 of 48.0 MB", id="nothing has come"),
        pytest.param(12_000_000, None, 10, "12.0 MB", id="nobody knows"),
    ],
)
def test_what_is_left_follows_from_what_has_come(
    done: int, whole: int | None, seconds: float, said: str
) -> None:
    """By the average since it began, and only where there is one."""
    assert arrived(done, whole, seconds) == said


def test_nothing_is_downloaded_without_a_place(tmp_path: Path) -> None:
    """Nobody asked for it."""
    assert not download(KWOK, tmp_path / "kwok")


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.name)
def test_every_module_is_pinned(product: Product) -> None:
    """Each product's module has its sums, and the version that we say it has."""
    assert (product.module / "go.sum").stat().st_size > 0
    assert f"v{product.version}" in (product.module / "go.mod").read_text()


@pytest.mark.parametrize(
    ("cores", "said"),
    [
        pytest.param(1, "about 19 minutes on 1 core", id="one"),
        pytest.param(2, "about 10 minutes on 2 cores", id="two"),
        pytest.param(16, "about 2 minutes on 16 cores", id="many"),
    ],
)
def test_estimate_is_that_of_this_machine(
    monkeypatch: pytest.MonkeyPatch, cores: int, said: str
) -> None:
    """Whoever waits is told for how long, here."""
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    assert estimate(KUBE) == said
