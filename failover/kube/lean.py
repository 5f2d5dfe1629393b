"""Objects as a watcher keeps them: ten thousand lie in its memory, and nothing of them is written back.

Who wrote which field is half of many an object, and nobody asks it of a watch. And JSON that is read
event by event brings its own copy of every key: most of what is left are the same few hundred words.
"""

from __future__ import annotations

from sys import intern
from typing import Any, cast

from failover.fleet import Manifest

_DROPPED = "managedFields"


def whole(manifest: Manifest) -> Manifest:
    """The object as it came."""
    return manifest


def lean(manifest: Manifest) -> Manifest:
    """The object without the managers of its fields, in words that all objects have in common."""
    metadata = manifest.get("metadata")
    if isinstance(metadata, dict) and _DROPPED in metadata:
        left = {k: v for k, v in cast("Manifest", metadata).items() if k != _DROPPED}
        manifest = {**manifest, "metadata": left}
    return cast("Manifest", _shared(manifest))


def _shared(value: object) -> object:
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return {intern(key): _shared(each) for key, each in members.items()}
    if isinstance(value, list):
        return [_shared(each) for each in cast("list[object]", value)]
    if isinstance(value, str) and value.isalpha():
        return intern(value)
    return value
