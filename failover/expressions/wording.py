"""What may be told of an expression that failed.

The library's messages quote what they failed on, and that may be a secret: so only what is known to
quote nothing but types, or the author's own words, is passed on.
"""

from __future__ import annotations

import re

_HARMLESS = re.compile(
    r"cannot convert \w+ to \w+"
    r"|String to (Timestamp|Duration) conversion failed"
    r"|Type conversion error from '\w+' to '\w+'"
    r"|Invalid container type: '\w+'"
    r"|No matching overloads found : [\w<>!%*/+=&|?:\-]+(\([\w, ]*\))?"
    r"|divide by zero|integer overflow|Index error"
    r"|it gives \w+, not true or false"
)
_MISSING = re.compile(r'Key not found in map : "([^"]{1,80})"')
_NO_MAP = "Applying SELECT to non-message type"
TOO_COSTLY = "Iteration budget exceeded"


def told(expression: str, message: str) -> str:
    """A sentence about the failure that holds no value of any object."""
    if missing := _MISSING.search(message):
        key = missing[1]
        named = f" {key}" if re.search(rf"\b{re.escape(key)}\b", expression) else ""
        return f"there is no field{named}; ask for it with has() first"
    if _NO_MAP in message:
        return "a field is asked of something that is no map"
    harmless = _HARMLESS.search(message)
    return harmless[0] if harmless else "it cannot be evaluated on this object"
