#!/usr/bin/env python
"""Write what the documentation takes from the code: `make docs`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from failover.domain.health.page import health_catalogue_markdown
from failover.domain.policy.crd import policy_definition, rule_definition
from failover.domain.policy.reference import policy_reference_markdown
from failover.domain.policy.schema import json_schema

DOCS = Path(__file__).parent
CRDS = DOCS.parent / "deploy" / "crds"


def pages() -> dict[Path, str]:
    """Every generated file, and what has to stand in it."""
    schema = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    return {
        DOCS / "health-catalogue.md": health_catalogue_markdown(),
        DOCS / "policy-reference.md": policy_reference_markdown(),
        DOCS / "schema" / "failoverpolicy.json": schema,
        CRDS / "failoverpolicies.yaml": _manifest(policy_definition()),
        CRDS / "healthrules.yaml": _manifest(rule_definition()),
    }


def _manifest(definition: dict[str, Any]) -> str:
    text = yaml.safe_dump(definition, sort_keys=False, width=100, allow_unicode=True)
    return f"# Written from the models by `make docs`.\n{text}"


def main() -> None:
    """Write them."""
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
