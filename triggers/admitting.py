"""Who may call: the bearer of a token, the holder of a certificate, or whoever is on this machine.

The invariant: without a token and without client certificates, nothing but loopback is listened on.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from failover.domain.errors import DefiniteError, InvalidInput, TransientError

TOKEN_BYTES_MAX = 16 * 1024
TOKEN_LENGTH_MIN = 16
_SCHEME = "bearer "


class Unauthorized(DefiniteError):
    """The caller has not shown that it may call."""


class TokensUnreadable(TransientError):
    """The file of tokens cannot be read now, so nobody is let in."""


@dataclass(frozen=True)
class Address:
    """Where calls are listened for."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """`HOST:PORT`, `[HOST]:PORT`; an empty host is every address. Raises `InvalidInput`."""
        host, colon, port = text.rpartition(":")
        if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise InvalidInput(f"--listen {text}: write HOST:PORT, as 127.0.0.1:8080")
        return cls(host.removeprefix("[").removesuffix("]"), int(port))

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host or '*'}:{self.port}"


@dataclass(frozen=True)
class Door:
    """Where calls come in, and what is asked of the caller."""

    address: Address
    token_file: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    client_authority: Path | None = None

    def check(self) -> None:
        """Raise `InvalidInput` for a door that anybody could walk through, or nobody."""
        if (self.certificate is None) != (self.key is None):
            raise InvalidInput("--tls-cert and --tls-key belong together; one is missing")
        if self.client_authority is not None and self.certificate is None:
            raise InvalidInput("--client-ca needs --tls-cert and --tls-key")
        if (
            self.token_file is None
            and self.client_authority is None
            and not self.address.is_loopback
        ):
            message = (
                f"--listen {self.address} can be reached from other machines: give --token-file, or --client-ca with "
                "--tls-cert and --tls-key; without them only a loopback address may be listened on"
            )
            raise InvalidInput(message)

    def context(self) -> ssl.SSLContext | None:
        """TLS as it is wanted; `None` without. Raises `InvalidInput` for files that cannot be used.

        A client without a certificate gets through the handshake, so that probes can; what it may
        not do, it is told in an answer. One with a certificate of another authority gets nowhere.
        """
        if self.certificate is None:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.certificate, self.key)
            if self.client_authority is not None:
                context.load_verify_locations(self.client_authority)
                context.verify_mode = ssl.CERT_OPTIONAL
        except (OSError, ssl.SSLError) as error:
            names = ", ".join(
                str(each)
                for each in (self.certificate, self.key, self.client_authority)
                if each is not None
            )
            told = getattr(error, "reason", None) or error.strerror or type(error).__name__
            raise InvalidInput(f"the TLS files {names} cannot be used ({told})") from error
        return context


class Tokens:
    """The tokens of a file, one a line, read again when it changes: two while one replaces another."""

    def __init__(self, path: Path) -> None:
        """Read them. Raises `InvalidInput` where there are none to be used."""
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._digests: tuple[bytes, ...] = ()
        try:
            self._refresh()
        except TokensUnreadable as error:
            raise InvalidInput(f"--token-file {error.message}") from error

    def admit(self, authorization: str) -> None:
        """Let a header `Authorization: Bearer TOKEN` pass. Raises `Unauthorized`, `TokensUnreadable`.

        Digests are compared, all of them and in constant time: how long it takes tells nothing.
        """
        self._refresh()
        is_bearer = authorization[: len(_SCHEME)].lower() == _SCHEME
        shown = _digest(authorization[len(_SCHEME) :].strip())
        same = [hmac.compare_digest(shown, each) for each in self._digests]
        if not is_bearer or not any(same):
            raise Unauthorized("say Authorization: Bearer TOKEN, with a token of --token-file")

    def _refresh(self) -> None:
        try:
            found = self._path.stat()
            seen = (found.st_mtime_ns, found.st_size, found.st_ino)
            if seen == self._seen:
                return
            with self._path.open("rb") as file:
                text = file.read(TOKEN_BYTES_MAX).decode("ascii")
        except (OSError, UnicodeDecodeError) as error:
            self._forget()
            told = error.strerror if isinstance(error, OSError) else "it is not ASCII"
            raise TokensUnreadable(f"{self._path}: the tokens cannot be read ({told})") from error
        tokens = [line.strip() for line in text.splitlines() if line.strip()]
        if not tokens or min(map(len, tokens)) < TOKEN_LENGTH_MIN:
            self._forget()
            message = (
                f"{self._path}: write one token a line, of {TOKEN_LENGTH_MIN} characters at least"
            )
            raise TokensUnreadable(message)
        self._seen, self._digests = seen, tuple(map(_digest, tokens))

    def _forget(self) -> None:
        """What is gone from the file lets nobody in any more."""
        self._seen, self._digests = None, ()


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
