"""Quoted text, with Go's escape sequences."""

from __future__ import annotations

import re

_SIMPLE = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, '"': 34, "'": 39}
_PIECE = re.compile(
    r"[^\\]"
    r"|\\(?:(?P<simple>[abfnrtv\\'\"])|x(?P<byte>[0-9a-fA-F]{2})|(?P<octal>[0-7]{3})"
    r"|u(?P<short>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8}))"
)
_SURROGATES = range(0xD800, 0xE000)
_CODE_POINT_MAX = 0x10FFFF
_BYTE_MAX = 0xFF


def unquote(text: str, quote: str) -> str | None:
    r"""The text that stood in these quotes; None if it holds an escape that Go does not know.

    `\x` and octal escapes are bytes, so that `"\xc3\xa9"` is `é`, and a lone `"\xc3"` is U+FFFD.
    """
    raw = bytearray()
    at = 0
    while at < len(text):
        piece = _PIECE.match(text, at)
        encoded = piece and _encoded(piece, quote)
        if piece is None or encoded is None:
            return None
        raw += encoded
        at = piece.end()
    return raw.decode(errors="replace")


def _encoded(piece: re.Match[str], quote: str) -> bytes | None:
    if simple := piece["simple"]:
        return bytes([_SIMPLE[simple]]) if simple not in "\"'" or simple == quote else None
    if byte := piece["byte"]:
        return bytes([int(byte, 16)])
    if octal := piece["octal"]:
        return bytes([int(octal, 8)]) if int(octal, 8) <= _BYTE_MAX else None
    if digits := piece["short"] or piece["long"]:
        point = int(digits, 16)
        return None if point > _CODE_POINT_MAX or point in _SURROGATES else chr(point).encode()
    return piece[0].encode(errors="replace")
