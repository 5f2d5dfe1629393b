"""Container images as text: `[registry/]repository[:tag]` or `[registry/]repository@digest`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

Component = Literal["Registry", "Repository", "Tag"]

_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}")
_IMAGE_LENGTH_MAX = 4096


class ImageError(Exception):
    """An image, or a new part of one, is not what it should be."""


@dataclass(frozen=True)
class Image:
    """An image reference in its parts; of a tag and a digest, the tag counts."""

    registry: str
    repository: str
    tag: str
    digest: str

    @classmethod
    def parse(cls, text: str) -> Image:
        """The parts of an image reference. Raises `ImageError`."""
        if not text or len(text) > _IMAGE_LENGTH_MAX or any(each.isspace() for each in text):
            message = "it is not the name of an image"
            raise ImageError(message)
        rest, _, digest = text.partition("@")
        name, colon, tag = rest.rpartition(":")
        if not colon or "/" in tag:
            name, tag = rest, ""
        registry, repository = _split_registry(name)
        return cls(registry, repository, tag, "" if tag else digest)

    def __str__(self) -> str:
        name = f"{self.registry}/{self.repository}" if self.registry else self.repository
        if self.tag:
            return f"{name}:{self.tag}"
        return f"{name}@{self.digest}" if self.digest else name

    def part(self, component: Component) -> str:
        """One part; the digest where there is no tag."""
        match component:
            case "Registry":
                return self.registry
            case "Repository":
                return self.repository
            case "Tag":
                return self.tag or self.digest

    def with_part(self, component: Component, value: str) -> Image:
        """The image with another part; an empty one takes it away. Raises `ImageError`."""
        match component:
            case "Registry":
                return replace(self, registry=value)
            case "Repository":
                return replace(self, repository=value)
            case "Tag":
                return self._with_tag(value)

    def _with_tag(self, value: str) -> Image:
        if not value:
            return replace(self, tag="", digest="")
        if _TAG.fullmatch(value):
            return replace(self, tag=value, digest="")
        if _DIGEST.fullmatch(value):
            return replace(self, tag="", digest=value)
        message = f"{value!r} is neither a tag nor a digest (sha256:…)"
        raise ImageError(message)


def _split_registry(name: str) -> tuple[str, str]:
    head, slash, rest = name.partition("/")
    if slash and ("." in head or ":" in head or head == "localhost"):
        return head, rest
    return "", name
