"""Files that a person names: manifests, policies, directories of them, and `-` for standard input.

Whatever is wrong with one is an `InvalidInput` that names the file and the field. YAML is read as
Kubernetes reads it; JSON, which YAML 1.1 reads a little differently (`1e3`), by its own rules.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, cast

from failover.domain.documents import Document, Flaw, read_documents
from failover.domain.errors import InvalidInput
from failover.domain.manifest import Manifest

STDIN = "-"
BYTES_MAX = 32 * 1024 * 1024
SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class Workload:
    """An object to look at, and what it owns if that was given (`None`: nobody looked)."""

    manifest: Manifest
    owned: tuple[Manifest, ...] | None


def read_text(path: str) -> str:
    """The text of a file, or of standard input for `-`."""
    try:
        raw = sys.stdin.buffer.read(BYTES_MAX + 1) if path == STDIN else _bytes(Path(path))
    except OSError as error:
        raise InvalidInput(f"{shown(path)}: cannot be read ({error.strerror})") from error
    if len(raw) > BYTES_MAX:
        raise InvalidInput(f"{shown(path)}: is larger than {BYTES_MAX // 1024**2} MiB")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"{shown(path)}: is no text in UTF-8 (byte {error.start})"
        raise InvalidInput(message) from error


def read_mapping(path: str) -> Manifest:
    """The one object of a file, whatever fields it has."""
    text = read_text(path)
    content = _json(text, path) if text.lstrip()[:1] in {"{", "["} else None
    if content is None:
        content = _yaml(text, path)
    if not isinstance(content, dict):
        raise InvalidInput(f"{shown(path)}: is no object: a map with apiVersion and kind is needed")
    return cast("Manifest", content)


def read_workload(path: str) -> Workload:
    """One object, or a `List` whose first item is meant and whose other items are what it owns."""
    content = read_mapping(path)
    kind = _word(content, "kind", path, "")
    if not (kind.endswith("List") and "items" in content):
        _word(content, "apiVersion", path, "")
        return Workload(content, None)
    listed = content["items"]
    if not isinstance(listed, list) or not listed:
        raise InvalidInput(f"{shown(path)}: items: has no object; the first one is the one meant")
    found = [
        _item(each, index, content, path) for index, each in enumerate(cast("list[object]", listed))
    ]
    return Workload(found[0], tuple(found[1:]))


def policy_files(paths: Sequence[str]) -> list[str]:
    """The files meant by files and directories; in directories, those that YAML or JSON is in."""
    return list(dict.fromkeys(file for path in paths for file in _expand(path)))


def shown(path: str) -> str:
    """The file as messages name it."""
    return "standard input" if path == STDIN else path


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(BYTES_MAX + 1)


def _json(text: str, path: str) -> Any:
    """The value of a JSON text; `None` if it is not JSON, and may be YAML all the same."""

    def refuse(token: str) -> NoReturn:
        raise InvalidInput(f"{shown(path)}: {token} is no value for Kubernetes")

    try:
        return json.loads(text, parse_constant=refuse)
    except RecursionError as error:
        raise InvalidInput(f"{shown(path)}: is nested too deeply") from error
    except ValueError:
        return None


def _yaml(text: str, path: str) -> Any:
    found: list[Document] = []
    for each in read_documents(text):
        if isinstance(each, Flaw):
            where = f"{shown(path)}:{each.line}" if each.line else shown(path)
            raise InvalidInput(f"{where}: {each.message}", reason=each.reason)
        found.append(each)
    if not found:
        raise InvalidInput(f"{shown(path)}: is empty; an object as YAML or JSON is needed")
    if len(found) > 1:
        message = f"{shown(path)}: has {len(found)} documents; put them in one `kind: List`"
        raise InvalidInput(message)
    return found[0].content


def _item(item: object, index: int, listed: Manifest, path: str) -> Manifest:
    """An item of a list; typed lists, as `kind: PodList`, say once what kind their items are."""
    if not isinstance(item, dict):
        raise InvalidInput(f"{shown(path)}: items[{index}]: is no object")
    manifest = cast("Manifest", item)
    kind = str(listed["kind"]).removesuffix("List")
    if kind:
        manifest = {"apiVersion": listed.get("apiVersion"), "kind": kind, **manifest}
    for key in ("kind", "apiVersion"):
        _word(manifest, key, path, f"items[{index}].")
    return manifest


def _word(content: Manifest, key: str, path: str, prefix: str) -> str:
    value: object = content.get(key)
    if isinstance(value, str) and value:
        return value
    problem = "is missing" if value is None else "must be a word"
    raise InvalidInput(f"{shown(path)}: {prefix}{key}: {problem}")


def _expand(path: str) -> Iterator[str]:
    if path == STDIN or not Path(path).is_dir():
        yield path
        return
    inside = sorted(each for each in Path(path).rglob("*") if each.suffix in SUFFIXES)
    if not inside:
        raise InvalidInput(f"{path}: there are no {', '.join(SUFFIXES)} files in this directory")
    yield from (str(each) for each in inside if each.is_file())
