"""Turns what pydantic found into words: what was written, what may be written, and the nearest known word."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from automation_scripts.settings.model import Configuration
from automation_scripts.settings.problems import KeyPath, shortened
from automation_scripts.settings.values import Allowed
from automation_scripts.settings.yaml_tree import meaning
from automation_scripts.suggest import nearest


class Explanation(NamedTuple):
    """Where the error is, the sentence about it, and whether the key itself is what is wrong."""

    path: KeyPath
    message: str
    at_key: bool


def explain(error: ErrorDetails) -> Explanation:
    """One of pydantic's errors on `Configuration`, in words."""
    path = error["loc"]
    if error["type"] == "extra_forbidden":
        return Explanation(path, _unknown_key(path), at_key=True)
    if at_key := path[-1:] == ("[key]",):  # how pydantic points at the key of a dict
        path = path[:-1]
    return Explanation(path, _bad_value(path, error), at_key)


def _bad_value(path: KeyPath, error: ErrorDetails) -> str:
    annotation, secret = _type_at(path)
    value = error["input"]
    known = error.get("ctx", {}).get("known") or _choices(annotation)
    written = "the value (not shown, it may hold a password)" if secret else _written(value)
    allowed = f"one of {', '.join(known)}" if known else expected(annotation)
    guess = nearest(value, known) if isinstance(value, str) and known else None
    hint = f"; did you mean {guess}?" if guess else "."
    if isinstance(value, str) and _bare(annotation) in (int, bool) and type(meaning(value)) is _bare(annotation):
        hint = "; write it without quotes."
    elif error["type"] == "value_error" and (reason := str(error["ctx"]["error"])):
        hint = f": {reason}."
    return f"{written} is not allowed{hint} Allowed: {allowed}."


def _unknown_key(path: KeyPath) -> str:
    section, key = path[:-1], str(path[-1])
    model, _ = _type_at(section)
    known = tuple(model.model_fields)
    guess = nearest(key, known)
    hint = f"; did you mean {guess}?" if guess else ""
    elsewhere = [way for way in _all_keys() if way.rpartition(".")[2] == key]
    if not guess and elsewhere:
        hint = f"; it belongs at {' or '.join(elsewhere)}."
    return f"unknown key{hint or '.'} Known here: {', '.join(known)}."


def expected(annotation: Any) -> str:
    """What may be written for a type, as a noun phrase."""
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        return next((m.text for m in metadata if isinstance(m, Allowed)), None) or expected(inner)
    if get_origin(annotation) in (Union, UnionType):
        return " or ".join("null" if a is NoneType else expected(a) for a in get_args(annotation))
    if get_origin(annotation) is tuple:
        return f"a list; each item is {expected(get_args(annotation)[0])}, once"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"a mapping with the keys {', '.join(annotation.model_fields)}"
    return f"one of {', '.join(_choices(annotation))}"


def _choices(annotation: Any) -> tuple[str, ...]:
    """The words of a type that is a choice; empty for other types."""
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return tuple(member.value for member in annotation)
    if get_origin(annotation) in (Annotated, Union, UnionType):
        return next((found for a in get_args(annotation) if (found := _choices(a))), ())
    return ()


def _type_at(path: KeyPath) -> tuple[Any, bool]:
    """The type that stands at `path`, and whether its value must not be shown."""
    annotation: Any = Configuration
    secret = False
    for step in path:
        annotation = _bare(annotation)
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            field = annotation.model_fields[str(step)]
            secret = not field.repr
            annotation = field.annotation
            if field.metadata:
                annotation = Annotated[annotation, *field.metadata]
        elif get_origin(annotation) is dict:
            annotation = get_args(annotation)[1]
        else:
            annotation = get_args(annotation)[0]
    return annotation, secret


def _bare(annotation: Any) -> Any:
    """The type without `Annotated` and without `| None`."""
    while get_origin(annotation) in (Annotated, Union, UnionType):
        annotation = get_args(annotation)[0]
    return annotation


def _all_keys(model: type[BaseModel] = Configuration, prefix: str = "") -> Iterator[str]:
    """Every dotted key that has a fixed place."""
    for name, field in model.model_fields.items():
        yield f"{prefix}{name}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _all_keys(field.annotation, f"{prefix}{name}.")


def _written(value: object) -> str:
    """The value as the user wrote it, short and harmless to a terminal."""
    if value is None:
        return "an empty value"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list" if value else "an empty list"
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return shortened(text)
