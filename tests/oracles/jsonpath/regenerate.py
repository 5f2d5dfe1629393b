"""Ask client-go again for every case of the JSONPath table, and write its answers down.

    python tests/oracles/jsonpath/regenerate.py

needs a Go toolchain. To add a case, add its name, document and template to the table and run this.
A case where we differ on purpose has `ours` (text, or null for an error) and `why`; both are kept.
Where client-go answers in another order each time, the case becomes `unordered`, its words sorted.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TABLE = HERE.parent.parent / "unit" / "domain" / "jsonpath_cases.json"
TIMES = 200
"""How often each case is asked; a random order shows itself all but certainly."""


def main() -> None:
    """Rewrite the table in place."""
    table = json.loads(TABLE.read_text())
    answers = _answers(table)
    for index, case in enumerate(table["cases"]):
        _write_down(case, answers[index :: len(table["cases"])])
    TABLE.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n")


def _write_down(case: dict[str, Any], answers: list[dict[str, Any]]) -> None:
    unordered = len({answer.get("text", "") for answer in answers}) > 1
    answer = answers[0]
    stdlib = answer.pop("stdlib")
    if unordered:
        answer["text"], stdlib["text"] = _sorted(answer["text"]), _sorted(stdlib["text"])
    written = {key: case[key] for key in ("name", "document", "template")}
    written["client-go"] = answer
    if stdlib != answer:
        written["stdlib"] = stdlib
    if unordered:
        written["unordered"] = True
    written |= {key: case[key] for key in ("ours", "why") if key in case}
    case.clear()
    case.update(written)


def _sorted(text: str) -> str:
    return " ".join(sorted(text.split(" ")))


def _answers(table: dict[str, Any]) -> list[dict[str, Any]]:
    documents = table["documents"]
    questions = [
        {
            "template": case["template"],
            "document": documents.get(case["document"], case["document"]),
        }
        for case in table["cases"]
    ]
    lines = "\n".join(json.dumps(question) for question in questions * TIMES)
    asked = subprocess.run(
        ["go", "run", "."], cwd=HERE, input=lines, stdout=subprocess.PIPE, text=True, check=True
    )
    return [json.loads(line) for line in asked.stdout.splitlines()]


if __name__ == "__main__":
    main()
