"""What a plain scalar means: by YAML 1.1, by the YAML 1.2 core schema, and as configuration tools read it.

Sources: YAML 1.1 type repository (https://yaml.org/type/) as PyYAML implements it, without the single letters
`y` and `n`, which no common reader takes for booleans; YAML 1.2.2 section 10.3.2.

The default reading `tools` is for schema checks. It is YAML 1.1 for null, booleans and integers (`no`,
`0755`, `1_000`), and it takes the numbers that only YAML 1.2 knows (`1e3`, `0o17`) too. Dates and base-60
numbers (`22:22`) stay text, because Go and JavaScript tools read them so. `version_differences` reports where
the readings differ.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from automation_scripts.validation.documents.tree import Kind, Node, Style

Version = Literal["tools", "1.1", "1.2"]
TypeName = Literal["null", "bool", "int", "float", "str", "timestamp", "merge", "value"]

HUGE = 10**300
"""What an integer with more digits than this becomes, with its sign: no reader keeps such a number, and
Python refuses to read or print one of more than 4,300 digits."""
_MAX_DIGITS = 300

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


def _spellings(*words: str) -> frozenset[str]:
    return frozenset(form for word in words for form in (word, word.capitalize(), word.upper()))


_TRUE_12, _FALSE_12 = _spellings("true"), _spellings("false")
_TRUE_11, _FALSE_11 = _spellings("true", "yes", "on"), _spellings("false", "no", "off")

_INT_12 = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT_12 = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INT_11 = re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]+|0|[1-9][0-9_]*)")
_FLOAT_11 = re.compile(r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?")
_BASE_60 = re.compile(r"[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*")
_INFINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?"
    r"(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?"
)
# Anything that no reading takes for more than text begins with another character.
_TYPED_START = frozenset("0123456789+-.~<=nNtTfFyYoO")


@dataclass(frozen=True, slots=True)
class Scalar:
    """The type and Python value of a scalar. Text, timestamps, `<<` and `=` keep their text as the value."""

    type: TypeName
    value: bool | int | float | str | None


_NULL = Scalar("null", None)
_TRUE, _FALSE = Scalar("bool", True), Scalar("bool", False)


def resolve(node: Node, version: Version = "tools") -> Scalar:
    """What a scalar node means in one version of YAML. Quoted and block scalars are text; a known tag
    decides.

    Raises:
        ValueError: when `node` is no scalar.
    """
    if node.kind is not Kind.SCALAR:
        raise ValueError(f"only scalars have a type; this is a {node.kind}")
    tag = node.tag
    if tag is not None and tag != "?":
        return _tagged(node.value, tag, version)
    if node.style is not Style.PLAIN:
        return Scalar("str", node.value)
    return resolve_plain(node.value, version)


def resolve_plain(text: str, version: Version = "tools") -> Scalar:
    """What an unquoted, untagged text means in one version of YAML."""
    if text in _NULLS:
        return _NULL
    if text[0] not in _TYPED_START or (len(text) > 5000 and not text[-1].isdigit()):
        return Scalar("str", text)
    if version == "1.2":
        return _resolve_12(text) or Scalar("str", text)
    if version == "1.1":
        return _resolve_11(text) or _resolve_11_only(text) or Scalar("str", text)
    return _resolve_11(text) or _resolve_12(text) or Scalar("str", text)


def is_string(node: Node) -> bool:
    """True when a scalar is text by the YAML 1.2 core schema."""
    return node.kind is Kind.SCALAR and resolve(node, "1.2").type == "str"


def _resolve_12(text: str) -> Scalar | None:
    if text in _TRUE_12:
        return _TRUE
    if text in _FALSE_12:
        return _FALSE
    if _INT_12.fullmatch(text):
        prefix = text[:2]
        base = {"0o": 8, "0x": 16}.get(prefix, 10)
        return Scalar("int", _integer(text[2:] if base != 10 else text, base))
    if _FLOAT_12.fullmatch(text):
        return Scalar("float", float(text))
    return _infinite(text)


def _resolve_11(text: str) -> Scalar | None:
    """The part of YAML 1.1 that most tools share."""
    if text in _TRUE_11:
        return _TRUE
    if text in _FALSE_11:
        return _FALSE
    if _INT_11.fullmatch(text):
        return _int_11(text)
    if _FLOAT_11.fullmatch(text):
        return Scalar("float", float(text.replace("_", "")))
    return _infinite(text)


def _resolve_11_only(text: str) -> Scalar | None:
    """Base-60 numbers, timestamps, and the two special keys."""
    if _BASE_60.fullmatch(text):
        return _base_60(text.replace("_", ""))
    if _TIMESTAMP.fullmatch(text):
        return Scalar("timestamp", text)
    if text == "<<":
        return Scalar("merge", text)
    if text == "=":
        return Scalar("value", text)
    return None


def _int_11(text: str) -> Scalar | None:
    digits = text.replace("_", "")
    sign = ""
    if digits[:1] in ("-", "+"):
        sign, digits = digits[0].replace("+", ""), digits[1:]
    base = 10
    if digits.startswith("0b"):
        base, digits = 2, digits[2:]
    elif digits.startswith("0x"):
        base, digits = 16, digits[2:]
    elif digits.startswith("0") and len(digits) > 1:
        base = 8
    if not digits:
        return None  # "0x_", "0b_": the pattern takes them, no reader can
    return Scalar("int", _integer(sign + digits, base))


def _integer(digits: str, base: int) -> int:
    if len(digits) <= _MAX_DIGITS:
        return int(digits, base)
    significant = digits.lstrip("+-").lstrip("0")
    if len(significant) <= _MAX_DIGITS:
        return int(("-" if digits.startswith("-") else "") + (significant or "0"), base)
    return -HUGE if digits.startswith("-") else HUGE


def _base_60(text: str) -> Scalar:
    sign = -1 if text.startswith("-") else 1
    parts = text.lstrip("+-").split(":")
    if len(parts) > 100:
        return Scalar("int", sign * HUGE)
    if "." in text:
        total = 0.0
        for part in parts:
            total = total * 60 + float(part)
        return Scalar("float", sign * total)
    whole = 0
    for part in parts:
        whole = whole * 60 + _integer(part, 10)
    return Scalar("int", sign * whole)


def _infinite(text: str) -> Scalar | None:
    if not _INFINITE.fullmatch(text):
        return None
    return Scalar("float", float(text.replace(".", "").lower()))


def _tagged(text: str, tag: str, version: Version) -> Scalar:
    """An explicit tag decides; a text that does not fit its tag stays text."""
    name = tag.removeprefix("tag:yaml.org,2002:").removeprefix("!!")
    if name == tag or name in ("str", "binary"):
        return Scalar("str", text)
    natural = resolve_plain(text, version)
    if name == natural.type:
        return natural
    if name == "float" and natural.type == "int" and isinstance(natural.value, int):
        return Scalar("float", float(natural.value))
    if name == "timestamp":
        return Scalar("timestamp" if version == "1.1" else "str", text)
    return Scalar("str", text)
