"""Secret values inside a JSON document: sealed one by one, so that the rest stays readable and searchable."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from automation_scripts.errors import InvalidParameters
from automation_scripts.governance.encryption.contexts import Context
from automation_scripts.governance.encryption.envelopes import from_text, is_sealed_text, to_text
from automation_scripts.governance.encryption.unreadable import Shredded
from automation_scripts.governance.encryption.vault import Vault

Path = tuple[str | int, ...]
Predicate = Callable[[Path, Any], bool]

_DEEPEST = 64


def seal_fields(
    vault: Vault,
    document: Any,
    secret: Collection[str] | Predicate,
    context: Context,
    subject: str | None = None,
) -> Any:
    """A copy of the document with the secret values replaced by sealed texts.

    Each is bound to its own place, so they cannot be exchanged within the document either. A clear text that looks
    like a sealed one is sealed as well; `open_fields` would otherwise try to open it.

    Args:
        vault: the keys.
        document: JSON-like data: mappings, lists, and what json.dumps takes.
        secret: JSON Pointers (RFC 6901), where `*` stands for any key or index; or a function of path and value.
        context: what the document belongs to.
        subject: the person whom the values are about.

    Raises:
        InvalidParameters: a secret value is no JSON, or the document is nested too deep. The message names the place.
    """
    chosen = secret if callable(secret) else _matcher(secret)

    def visit(path: Path, value: Any) -> Any:
        if chosen(path, value) or is_sealed_text(value):
            place = replace(context, field=pointer(path))
            return to_text(vault.seal(_encoded(value, place), place, subject))
        return _descend(path, value, visit)

    return visit((), document)


def open_fields(vault: Vault, document: Any, context: Context) -> Any:
    """The document as it was before `seal_fields`, with a Shredded marker for each value that was erased.

    Raises Unreadable for a value that was altered or moved, KeyMissing when a key is not here.
    """

    def visit(path: Path, value: Any) -> Any:
        if not is_sealed_text(value):
            return _descend(path, value, visit)
        opened = vault.open_or_shredded(from_text(value), replace(context, field=pointer(path)))
        return opened if isinstance(opened, Shredded) else json.loads(opened)

    return visit((), document)


def pointer(path: Path) -> str:
    """The JSON Pointer (RFC 6901) of a path."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _descend(path: Path, value: Any, visit: Callable[[Path, Any], Any]) -> Any:
    if len(path) >= _DEEPEST:
        raise InvalidParameters(f"The document is nested deeper than {_DEEPEST} levels at {pointer(path)}. Flatten it.")
    if isinstance(value, Mapping):
        return {key: visit((*path, str(key)), item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [visit((*path, index), item) for index, item in enumerate(value)]
    return value


def _encoded(value: Any, place: Context) -> bytes:
    reveal = getattr(value, "reveal", None)
    try:
        return json.dumps(reveal() if callable(reveal) else value, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        pass  # the error of the encoder may show the value, so it must not be the cause of ours
    raise InvalidParameters(f"The secret value of {place} is a {type(value).__name__}, which is no JSON. Convert it.")


def _matcher(pointers: Collection[str]) -> Predicate:
    patterns = [_parsed(text) for text in ([pointers] if isinstance(pointers, str) else pointers)]

    def matches(path: Path, _value: Any) -> bool:
        return any(
            len(pattern) == len(path)
            and all(want in ("*", str(part)) for want, part in zip(pattern, path, strict=True))
            for pattern in patterns
        )

    return matches


def _parsed(text: str) -> tuple[str, ...]:
    if not text.startswith("/"):
        raise InvalidParameters(f"{text!r} is no JSON Pointer: it must begin with a slash, as in /database/password.")
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/"))
