#!/usr/bin/env python
"""Write what the documentation takes from the code: `make docs`."""

from __future__ import annotations

import json
from pathlib import Path

from failover.domain.health.page import health_catalogue_markdown
from failover.domain.policy.reference import policy_reference_markdown
from failover.domain.policy.schema import json_schema

DOCS = Path(__file__).parent


def pages() -> dict[Path, str]:
    """Every generated file, and what has to stand in it."""
    schema = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    return {
        DOCS / "health-catalogue.md": health_catalogue_markdown(),
        DOCS / "policy-reference.md": policy_reference_markdown(),
        DOCS / "schema" / "failoverpolicy.json": schema,
    }


def main() -> None:
    """Write them."""
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
