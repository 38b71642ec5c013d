"""What a JSON Schema validator objects to, as plain data: comparable, small, and able to cross a process border."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from automation_scripts.validation.documents.tree import PathKey

MAX_PROBLEMS = 500
"""Problems that are read of one document; a file that has more needs another schema, not a longer list."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One failed keyword.

    `path` leads to the value in the document; `location` is where the keyword stands (URI and JSON pointer); `detail`
    holds what the keyword wanted (`{"types": [...]}`, `{"options": [...]}`...). `branches` are the problems of each
    alternative of an `anyOf` or `oneOf`; an empty branch is one that fits.
    """

    keyword: str
    path: tuple[PathKey, ...]
    location: str
    detail: dict[str, Any] = field(default_factory=dict)
    branches: tuple[tuple[Problem, ...], ...] = ()

    def to_plain(self) -> list[Any]:
        """JSON-ready data."""
        branches = [[p.to_plain() for p in branch] for branch in self.branches]
        return [self.keyword, list(self.path), self.location, self.detail, branches]

    @classmethod
    def from_plain(cls, data: list[Any]) -> Problem:
        """The inverse of `to_plain`."""
        keyword, path, location, detail, branches = data
        below = tuple(tuple(cls.from_plain(p) for p in branch) for branch in branches)
        return cls(keyword, tuple(path), location, detail, below)


def read_errors(errors: Iterable[Any], uri: str) -> list[Problem]:
    """The problems that a validator's error iterator yields, at most `MAX_PROBLEMS`."""
    return [read_error(error, uri) for error in islice(errors, MAX_PROBLEMS)]


def read_error(error: Any, uri: str) -> Problem:
    """One `jsonschema_rs.ValidationError` as a problem; `uri` is the schema's own, for errors that name none."""
    detail = {name: value for name, value in error.kind.as_dict().items() if name not in ("context", "error", "schema")}
    branches = tuple(tuple(read_error(below, uri) for below in branch) for branch in getattr(error.kind, "context", ()))
    keyword = error.kind.name
    if keyword == "propertyNames":
        # The one keyword whose value is a key: what is wrong with the key stands in the error below.
        below = read_error(error.kind.error, uri)
        detail = {"key": error.kind.error.instance, "keyword": below.keyword, **below.detail}
    location = error.absolute_keyword_location or f"{uri}#{pointer(error.schema_path)}"
    return Problem(keyword, tuple(error.instance_path), location, detail, branches)


def pointer(steps: Iterable[PathKey]) -> str:
    """An RFC 6901 pointer."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def leaves(problem: Problem) -> Iterator[Problem]:
    """The problem's own branches' problems down to those that have none."""
    if not problem.branches:
        yield problem
    for branch in problem.branches:
        for below in branch:
            yield from leaves(below)


def most_telling(problems: Iterable[Problem]) -> list[Problem]:
    """One problem a value: what has the wrong type is not also held against patterns and lists of values."""
    order = {"type": 0, "enum": 1, "const": 1}
    best: dict[tuple[tuple[PathKey, ...], str], Problem] = {}
    for problem in problems:
        about_value = problem.keyword not in (
            "required",
            "dependentRequired",
            "additionalProperties",
            "unevaluatedProperties",
            "propertyNames",
        )
        detail = "" if about_value else f"{problem.keyword}{problem.detail}"
        key = (problem.path, detail)
        if key not in best or order.get(problem.keyword, 2) < order.get(best[key].keyword, 2):
            best[key] = problem
    return list(best.values())
