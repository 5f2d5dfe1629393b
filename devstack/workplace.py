"""Where a file is made before it is whole: beside its destination, so that a rename puts it there."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = ".unfinished-"


@contextmanager
def workplace(destination: Path) -> Generator[Path, None, None]:
    """A directory for what is being made; whoever makes it holds the lock of that destination.

    What somebody who was killed has left there goes first.
    """
    destination.parent.mkdir(parents=True, exist_ok=True)
    for left in destination.parent.glob(f"{_PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=destination.parent, prefix=_PREFIX) as temporary:
        yield Path(temporary)
