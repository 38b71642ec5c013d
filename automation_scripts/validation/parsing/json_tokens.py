"""Tokens that JSON does not have but people write: single quotes, bare words, NaN, `True`, `.5`, `0x1F`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

_SINGLE = re.compile(r"'((?:[^'\\\n\r]|\\[^\n\r])*)'")
_WORD = re.compile(r"[-+]?[\w$.][\w$.+-]*")
_NUMBER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|(?:[0-9][0-9_]*)?\.?[0-9_]*(?:[eE][-+]?[0-9]+)?)")
_CONSTANTS = {
    "True": "true",
    "TRUE": "true",
    "False": "false",
    "FALSE": "false",
    "None": "null",
    "NULL": "null",
    "Null": "null",
    "nil": "null",
    "undefined": "null",
}
_NOT_NUMBERS = frozenset({"NaN", "nan", "Infinity", "-Infinity", "+Infinity", "inf", "-inf"})
_STRICT_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Oddity:
    """A token that is no JSON, read as it was meant: where it ends, its value, and what to write instead."""

    end: int
    value: str
    message: str
    suggestion: str
    replacement: str | None
    is_text: bool


def odd_token(text: str, at: int, *, key: bool) -> Oddity | None:
    """The token at `at` when it can be recognised as something else than JSON, or None."""
    if text[at] == "'":
        return _single_quoted(text, at)
    found = _WORD.match(text, at)
    if found is not None and text.startswith('"', found.end()):
        word = found.group()
        return Oddity(
            found.end() + 1,
            word,
            f"The text {word[:50]!r} ends with a quote but does not begin with one.",
            'Write " before it.',
            json.dumps(word),
            True,
        )
    return None if found is None else _word(found.group(), found.end(), key)


def _word(word: str, end: int, key: bool) -> Oddity:
    if key:
        return Oddity(
            end,
            word,
            f"The key {word!r} has no quotes.",
            "Put keys into double quotes.",
            json.dumps(word),
            True,
        )
    if word in _CONSTANTS:
        right = _CONSTANTS[word]
        return Oddity(
            end,
            right,
            f"{word!r} is no JSON; it is written {right!r}.",
            f"Write {right}.",
            right,
            False,
        )
    if word in _NOT_NUMBERS:
        return Oddity(
            end,
            word,
            f"JSON has no {word}.",
            "Write null, or the text in double quotes.",
            None,
            False,
        )
    if _NUMBER.fullmatch(word) and any(map(str.isdigit, word)):
        return _number(word, end)
    return Oddity(
        end,
        word,
        f"The text {word[:50]!r} has no quotes.",
        "Put text into double quotes.",
        json.dumps(word),
        True,
    )


def _single_quoted(text: str, at: int) -> Oddity | None:
    found = _SINGLE.match(text, at)
    if found is None:
        return None
    body = found.group(1)
    # \' is needed only inside single quotes; a bare " must be escaped inside double quotes.
    inner = re.sub(r"\\.|\"", lambda m: {"\\'": "'", '"': '\\"'}.get(m.group(), m.group()), body)
    return Oddity(
        found.end(),
        body,
        "JSON has no single quotes around text.",
        "Use double quotes.",
        f'"{inner}"',
        True,
    )


def _number(word: str, end: int) -> Oddity:
    digits = word.replace("_", "").removeprefix("+")
    sign = "-" if digits.startswith("-") else ""
    body = digits.removeprefix("-")
    if body[:2].lower() == "0x":
        right = sign + str(int(body, 16)) if len(body) <= 40 else None
        why = "hexadecimal numbers"
    elif re.fullmatch(r"0[0-9]+", body):
        right, why = None, "numbers with a leading zero"
    else:
        body = ("0" if body.startswith(".") else "") + body
        body = re.sub(r"\.(?![0-9])", ".0", body)
        body = re.sub(r"^0+(?=[0-9])", "", body)
        right, why = sign + body, "numbers written like this"
    if right is not None and not _STRICT_NUMBER.fullmatch(right):
        right = None
    return Oddity(
        end,
        right or word,
        f"{word[:50]!r}: JSON has no {why}.",
        f"Write {right}." if right and len(right) < 60 else "Write a decimal number, or put it into double quotes.",
        right,
        False,
    )
