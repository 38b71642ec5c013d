"""What an approval is bound to: one hash of script, environment, parameters and plan."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from automation_scripts.errors import InvalidParameters

BOUND_MEMBERS = ("resource", "action", "before", "after")
"""What of a predicted change is bound. The rest (reason, risk, confidence …) may be put in other words."""

_DOMAIN = b"automation-scripts:approval-binding:v1\n"
_EXACT = 2**53 - 1  # beyond it a JSON number is not exact everywhere (RFC 8785, section 3.2.2.3, and RFC 7493)
_DEEPEST = 64
_HASH = re.compile(r"[0-9a-f]{64}")


def binding_hash(
    script: str, environment: str, parameters: Mapping[str, Any], plan: Sequence[Mapping[str, Any]]
) -> str:
    """SHA-256 in hexadecimal over the canonical JSON (RFC 8785) of what is to run.

    Different input has different canonical text: every type of value has a form that no other takes, text is neither
    normalised nor cleaned, 1 and 1.0 are one number as in JSON, and `True` is none. Of each predicted change
    `BOUND_MEMBERS` count; their order in the plan does not, how often one occurs does.

    The hash of a guessable secret can be guessed, so secrets belong into parameters by reference.

    Raises InvalidParameters for what has no JSON form (other types, keys that are not text, more than 64 levels), and for
    a change without resource or action.
    """
    import rfc8785

    for name, text in (("script", script), ("environment", environment)):
        if not isinstance(text, str) or not text:
            raise InvalidParameters(f"{name} {text!a}: an approval needs its name as text.")
    if not isinstance(parameters, Mapping):
        raise _refused("parameters", f"is {type(parameters).__name__}, not a mapping of names to values")
    bound = [
        _unambiguous(script, "script", 0),
        _unambiguous(environment, "environment", 0),
        _unambiguous(parameters, "parameters", 0),
        sorted((_change(change, number) for number, change in enumerate(plan)), key=rfc8785.dumps),
    ]
    return hashlib.sha256(_DOMAIN + rfc8785.dumps(bound)).hexdigest()


def checked_hash(text: str) -> str:
    """`text`, when it has the form of a binding hash. Raises InvalidParameters."""
    if not isinstance(text, str) or not _HASH.fullmatch(text):
        raise InvalidParameters("binding_hash: not 64 lower-case hexadecimal digits. Take it from `binding_hash(...)`.")
    return text


def _change(change: Mapping[str, Any], number: int) -> Any:
    path = f"plan[{number}]"
    if not isinstance(change, Mapping):
        raise _refused(path, f"is {type(change).__name__}, not a mapping")
    for name in ("resource", "action"):
        if not change.get(name):
            raise _refused(path, f"has no {name}")
    return _unambiguous({name: change.get(name) for name in BOUND_MEMBERS}, path, 0)


def _unambiguous(value: Any, path: str, depth: int) -> Any:
    """JSON in which a text, a number too large for JSON and a mapping cannot look alike: the latter two are tagged."""
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return int(value) if abs(value) <= _EXACT else {"integer": f"{int(value):x}"}
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"float": str(float(value))}
    if depth >= _DEEPEST:
        raise _refused(path, f"is nested more than {_DEEPEST} deep")
    if isinstance(value, Mapping):
        return {"mapping": _pairs(value, path, depth)}
    if isinstance(value, (list, tuple)):
        return [_unambiguous(item, f"{path}[{number}]", depth + 1) for number, item in enumerate(value)]
    raise _refused(path, f"is {type(value).__name__}, which has no JSON form")


def _pairs(value: Mapping[Any, Any], path: str, depth: int) -> list[Any]:
    for key in value:
        if not isinstance(key, str) or isinstance(key, Enum):
            raise _refused(path, f"has the key {key!r:.80}, which is not text")
    ordered = sorted(value.items(), key=lambda pair: pair[0])
    return [[_text(key), _unambiguous(item, f"{path}.{key}", depth + 1)] for key, item in ordered]


def _text(text: str) -> Any:
    try:
        text.encode()
    except UnicodeEncodeError:  # a file name that is not UTF-8: JSON cannot hold it, and two must not become one
        return {"bytes": text.encode("utf-8", "surrogatepass").hex()}
    return str(text)


def _refused(path: str, problem: str) -> InvalidParameters:
    return InvalidParameters(
        f"`{path[:200].encode('ascii', 'backslashreplace').decode()}` {problem}, so nothing can be bound to it. Give "
        "parameters and plan as JSON data."
    )
