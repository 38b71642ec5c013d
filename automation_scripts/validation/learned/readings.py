"""What one scalar says, as far as scalars are compared: its type, its unit, its style of writing."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path as FilePath
from typing import NamedTuple

import yaml

from automation_scripts.validation.documents.tree import Kind, Node, Style
from automation_scripts.validation.parsing.scalar_types import resolve, resolve_plain
from automation_scripts.validation.values.formats import duration_seconds, is_template
from automation_scripts.validation.values.secret_words import name_class, words_of

_FILE = FilePath(__file__).parent / "words.yaml"
_LONGEST = 60


@lru_cache(maxsize=1)
def _lists() -> dict[str, frozenset[str]]:
    raw = yaml.load(_FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return {name: frozenset(text.split()) for name, text in raw.items()}


def listed(name: str) -> frozenset[str]:
    """The words of one list of `words.yaml`.

    Raises:
        KeyError: when there is no list of this name.
    """
    return _lists()[name]


@lru_cache(maxsize=20_000)
def is_own(key: str) -> bool:
    """True for a key whose values are names, texts, places, secrets or versions: each has its own."""
    words = words_of(key[:120])
    if not words or name_class(key) is not None:
        return True
    own = listed("own values")
    return words[-1] in own or (words[-1].isdigit() and len(words) > 1 and words[-2] in own)


def type_of(node: Node) -> str | None:
    """`number`, `boolean` or `text`; None for null, templates, own tags and what is no scalar."""
    if node.kind is not Kind.SCALAR or not node.value.strip() or is_template(node.value):
        return None
    if node.tag is not None and node.tag.startswith("!") and not node.tag.startswith("!!"):
        return None
    return _TYPES.get(resolve(node).type)


_TYPES = {"int": "number", "float": "number", "bool": "boolean", "str": "text"}


def type_if_plain(node: Node) -> str | None:
    """The type that a quoted scalar would have without its quotes."""
    return _TYPES.get(resolve_plain(node.value).type) if len(node.value) <= _LONGEST else "text"


def is_quoted(node: Node) -> bool:
    """True for a scalar in quotes."""
    return node.style in (Style.SINGLE, Style.DOUBLE)


_CHOICE = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[_.-][A-Za-z0-9]+){0,5}")
_RISES = re.compile(r"v?\d+(?:[.\-_]\d+)*(?:[a-z]+\d*)?(?:[-+.][\w.]+)?|.*[a-z-]\d+(?:\.\d+)+.*", re.IGNORECASE)


def choice(node: Node) -> str | None:
    """The text of a scalar that can be one of a few: a boolean, or one word. None for all others."""
    kind = type_of(node)
    if kind == "boolean":
        return node.value.strip().lower()
    if kind != "text" or len(node.value) > 40 or not _CHOICE.fullmatch(node.value) or _RISES.fullmatch(node.value):
        return None
    return node.value


class Measure(NamedTuple):
    """An amount: its size in the base unit, and the family of the unit as written."""

    size: float
    family: str
    """`number`, `binary size`, `decimal size`, `time` or `percent`."""


_AMOUNT = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*([A-Za-z%]{0,12})")
_BINARY = {f"{letter}i": 1024.0**i for i, letter in enumerate("KMGTPE", 1)}
_DECIMAL = {letter: 1000.0**i for i, letter in enumerate("KMGTPE", 1)} | {"k": 1000.0}


def measure(node: Node) -> Measure | None:
    """The amount that a scalar is; None for anything else, and for a number in octal or hexadecimal."""
    text = node.value.strip()
    if node.kind is not Kind.SCALAR or not 0 < len(text) <= 24 or not text.isascii():
        return None
    found = _AMOUNT.fullmatch(text)
    if not found:
        seconds = duration_seconds(text) if text[0].isdigit() else None
        return Measure(seconds, "time") if seconds is not None else None
    number, unit = float(found[1]), found[2]
    if not unit:
        octal = len(text) > 1 and text[0] == "0" and text.isdigit()
        return None if octal else Measure(number, "number")
    if unit == "%":
        return Measure(number, "percent")
    bare = unit.removesuffix("B") if len(unit) > 1 else unit
    if bare in _BINARY:
        return Measure(number * _BINARY[bare], "binary size")
    if bare in _DECIMAL:
        return Measure(number * _DECIMAL[bare], "decimal size")
    seconds = duration_seconds(text)
    return Measure(seconds, "time") if seconds is not None else None


_STYLES = (
    ("kebab-case", re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)+")),
    ("snake_case", re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)+")),
    ("camelCase", re.compile(r"[a-z]+[a-z0-9]*(?:[A-Z][a-z0-9]*)+")),
    ("PascalCase", re.compile(r"(?:[A-Z][a-z0-9]+){2,}")),
    ("UPPER_CASE", re.compile(r"[A-Z0-9]+(?:_[A-Z0-9]+)+")),
)


def style_of(text: str) -> str | None:
    """How a name of several words is written; None for one word and for mixtures."""
    if len(text) > _LONGEST:
        return None
    return next((name for name, pattern in _STYLES if pattern.fullmatch(text)), None)


def in_style(text: str, style: str) -> str:
    """The same words in another style."""
    words = words_of(text)
    if style == "camelCase":
        return words[0] + "".join(word.capitalize() for word in words[1:])
    if style == "PascalCase":
        return "".join(word.capitalize() for word in words)
    if style == "UPPER_CASE":
        return "_".join(words).upper()
    return ("-" if style == "kebab-case" else "_").join(words)
