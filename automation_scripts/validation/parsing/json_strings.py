"""JSON strings: escapes, surrogate pairs, and what is wrong inside them (RFC 8259 section 7)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_SPECIAL = re.compile(r"\\u[0-9a-fA-F]{4}|\\.|[\x00-\x1f]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something wrong inside a string, by offsets into the whole text; `replacement` mends the span."""

    rule_id: str
    start: int
    end: int
    message: str
    suggestion: str
    replacement: str | None = None


Report = Callable[[Flaw], None]


def unescape(raw: str, offset: int, report: Report, quote: str = '"') -> str:
    """The text that a string body means. `raw` stands at `offset` of the text, between quotes of kind `quote`."""
    if "\\" not in raw and raw.isprintable():
        return raw
    return _Unescaping(raw, offset, report, quote).run()


class _Unescaping:
    def __init__(self, raw: str, offset: int, report: Report, quote: str) -> None:
        self.raw = raw
        self.offset = offset
        self.report = report
        self.quote = quote
        self.pieces: list[str] = []
        self.high: tuple[int, int] | None = None  # a high surrogate that waits for its other half, and where

    def run(self) -> str:
        at = 0
        for found in _SPECIAL.finditer(self.raw):
            if found.start() > at:
                self._settle()
                self.pieces.append(self.raw[at : found.start()])
            at = found.end()
            token = found.group()
            if len(token) == 6:
                self._unit(int(token[2:], 16), found.start())
            else:
                self._settle()
                self._character(token, found.start())
        self._settle()
        self.pieces.append(self.raw[at:])
        return "".join(self.pieces)

    def _character(self, token: str, start: int) -> None:
        at = self.offset + start
        if token[0] != "\\":
            self.report(
                Flaw(
                    "json/syntax",
                    at,
                    at + 1,
                    f"A control character (U+{ord(token):04X}) stands in a string; JSON allows it only as an escape.",
                    "Write it as an escape sequence.",
                    json.dumps(token)[1:-1],
                )
            )
            self.pieces.append(token)
        elif token[1] in _ESCAPES or token[1] == self.quote:
            self.pieces.append(_ESCAPES.get(token[1], token[1]))
        else:
            mendable = token[1].isprintable() and token[1] != "u"
            self.report(
                Flaw(
                    "json/syntax",
                    at,
                    at + 2,
                    f"{token!r} is no escape sequence of JSON.",
                    "Double the backslash if it belongs to the text; after \\u stand four hexadecimal digits.",
                    "\\\\" + token[1] if mendable else None,
                )
            )
            self.pieces.append(token[1])

    def _unit(self, unit: int, start: int) -> None:
        """One \\uXXXX, which may be half of a pair."""
        if 0xDC00 <= unit <= 0xDFFF and self.high is not None and self.high[1] + 6 == start:
            self.pieces.append(chr(0x10000 + ((self.high[0] - 0xD800) << 10) + unit - 0xDC00))
            self.high = None
            return
        self._settle()
        if 0xD800 <= unit <= 0xDBFF:
            self.high = (unit, start)
        elif 0xDC00 <= unit <= 0xDFFF:
            self._lone(unit, start)
        else:
            self.pieces.append(chr(unit))

    def _settle(self) -> None:
        if self.high is not None:
            self._lone(*self.high)
            self.high = None

    def _lone(self, unit: int, start: int) -> None:
        at = self.offset + start
        self.report(
            Flaw(
                "json/lone-surrogate",
                at,
                at + 6,
                f"\\u{unit:04x} is half of a surrogate pair without its other half; it is no character.",
                "Write both halves (\\ud83d\\ude00), or the character itself in UTF-8.",
            )
        )
        self.pieces.append("\ufffd")
