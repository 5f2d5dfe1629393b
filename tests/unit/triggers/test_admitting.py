"""Who may call."""

from __future__ import annotations

from pathlib import Path

import pytest

from failover.domain.errors import InvalidInput
from triggers.admitting import Address, Door, Tokens, TokensUnreadable, Unauthorized

TOKEN = "a-token-of-some-length"
OTHER = "another-token-of-length"


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080),
        ("[::1]:80", "::1", 80),
        (":8080", "", 8080),
        ("localhost:0", "localhost", 0),
    ],
)
def test_an_address_is_a_host_and_a_port(text: str, host: str, port: int) -> None:
    """As Go's programs write it."""
    assert Address.parse(text) == Address(host, port)


@pytest.mark.parametrize("text", ["8080", "host", "host:", "host:x", "host:70000", "host:-1", ""])
def test_what_is_no_address_is_refused(text: str) -> None:
    """With an example."""
    with pytest.raises(InvalidInput, match="HOST:PORT"):
        Address.parse(text)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_loopback_needs_nothing(host: str) -> None:
    """Whoever is on this machine may call."""
    Door(Address(host, 80)).check()


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "10.0.0.1", "example.org"])
def test_nothing_else_is_listened_on_without_a_lock(host: str, tmp_path: Path) -> None:
    """TLS alone is no lock; a token is, and an authority of clients with TLS is."""
    address, file = Address(host, 80), tmp_path / "file"
    for door in (Door(address), Door(address, certificate=file, key=file)):
        with pytest.raises(InvalidInput, match="loopback"):
            door.check()
    Door(address, token_file=file).check()
    Door(address, certificate=file, key=file, client_authority=file).check()


def test_tls_files_come_together(tmp_path: Path) -> None:
    """A certificate needs its key, an authority of clients needs both; unusable ones are named."""
    address, file = Address("::1", 80), tmp_path / "file"
    for door in (Door(address, certificate=file), Door(address, client_authority=file)):
        with pytest.raises(InvalidInput, match="--tls-"):
            door.check()
    with pytest.raises(InvalidInput, match="cannot be used"):
        Door(address, certificate=file, key=file).context()
    assert Door(address).context() is None


def test_the_bearer_of_a_token_is_let_in(tmp_path: Path) -> None:
    """Any token of the file, and nothing that resembles one."""
    file = tmp_path / "tokens"
    file.write_text(f"{TOKEN}\n\n{OTHER}\n")
    tokens = Tokens(file)
    tokens.admit(f"Bearer {TOKEN}")
    tokens.admit(f"bearer  {OTHER}")
    for wrong in (
        "",
        "Bearer",
        "Bearer ",
        TOKEN,
        f"Basic {TOKEN}",
        f"Bearer {TOKEN}x",
        "Bearer \udcff",
    ):
        with pytest.raises(Unauthorized):
            tokens.admit(wrong)


def test_the_file_counts_as_it_is_now(tmp_path: Path) -> None:
    """A token that is taken out lets nobody in any more, and neither does a file that is away."""
    file = tmp_path / "tokens"
    file.write_text(TOKEN)
    tokens = Tokens(file)
    other = tmp_path / "new"
    other.write_text(OTHER)
    other.replace(file)
    with pytest.raises(Unauthorized):
        tokens.admit(f"Bearer {TOKEN}")
    tokens.admit(f"Bearer {OTHER}")
    file.unlink()
    with pytest.raises(TokensUnreadable):
        tokens.admit(f"Bearer {OTHER}")
    file.write_text(OTHER)
    tokens.admit(f"Bearer {OTHER}")


@pytest.mark.parametrize("content", [None, b"", b"\n\n", b"short", b"\xff" * 32])
def test_a_file_without_a_usable_token_is_refused(content: bytes | None, tmp_path: Path) -> None:
    """At the start, so that nobody believes in a lock that is none."""
    file = tmp_path / "tokens"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InvalidInput, match="--token-file"):
        Tokens(file)
