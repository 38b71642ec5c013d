"""A JSON Schema made ready: validated itself, compiled once, and able to say what stands where in it.

Drafts 4, 6, 7, 2019-09 and 2020-12 by the schema's `$schema`; draft-07 when it names none. Nothing is ever fetched:
every document that a schema refers to is given, or it is an error that says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin

from automation_scripts.errors import InvalidParameters
from automation_scripts.validation.documents.tree import PathKey
from automation_scripts.validation.schemas.problems import Problem, read_errors
from automation_scripts.validation.schemas.store import Schema, at_pointer

DEFAULT_DRAFT = "http://json-schema.org/draft-07/schema#"
_DRAFTS = {
    "json-schema.org/draft-04/schema": "http://json-schema.org/draft-04/schema#",
    "json-schema.org/draft-06/schema": "http://json-schema.org/draft-06/schema#",
    "json-schema.org/draft-07/schema": DEFAULT_DRAFT,
    "json-schema.org/draft/2019-09/schema": "https://json-schema.org/draft/2019-09/schema",
    "json-schema.org/draft/2020-12/schema": "https://json-schema.org/draft/2020-12/schema",
    "json-schema.org/schema": DEFAULT_DRAFT,  # "the latest", which no draft since 07 allows: no draft is named
}
_NOT_SCHEMAS = frozenset({"enum", "const", "default", "examples"})


class UnusableSchema(InvalidParameters):
    """A schema that cannot be used: it is no schema, refers to what is not there, or never comes to an end."""

    def __init__(self, reason: str, path: tuple[PathKey, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path
        """Where in the schema the reason lies."""


@dataclass(frozen=True, slots=True)
class Place:
    """A part of a schema, and the URI that references in it are relative to."""

    schema: Any
    base: str


@dataclass(slots=True, eq=False)
class CompiledSchema:
    """A schema with all documents it refers to. `title` names it in messages."""

    root: Schema
    uri: str
    title: str
    documents: Mapping[str, Schema] = field(default_factory=dict)
    registry: Any = None
    """A `jsonschema_rs.Registry` of the documents, where one is shared by several schemas."""
    is_closed: bool = False
    """True when every map of the schema forbids the keys that it does not name."""
    asserts_formats: bool = True
    _validator: Any = None
    _embedded: dict[str, Any] | None = None
    _deprecates: bool | None = None

    def problems(self, data: Any) -> list[Problem]:
        """What is wrong with plain data.

        Raises:
            UnusableSchema: when the schema itself is wrong.
        """
        if self._validator is None:
            self._validator = compile_validator(
                self.root, self.uri, self.documents, self.registry, asserts_formats=self.asserts_formats
            )
        return read_errors(self._validator.iter_errors(data), self.uri)

    @property
    def deprecates(self) -> bool:
        """Whether any part of the schema is called deprecated; looked for once."""
        if self._deprecates is None:
            parts = (part for _, part in _parts(self.root, self.uri))
            self._deprecates = not self.is_closed and any(part.get("deprecated") is True for part in parts)
        return self._deprecates

    def place(self, location: str) -> Place | None:
        """What stands at a keyword's absolute location; None when that cannot be told."""
        base, fragment = urldefrag(location)
        document: Any = self.root if base in (self.uri, "") else self.documents.get(base)
        if document is None:
            document = self._by_id().get(base)
        if document is None:
            return None
        if fragment and not fragment.startswith("/"):
            found = self._by_id().get(f"{base}#{fragment}")
            return None if found is None else Place(found, base)
        found = at_pointer(document, unquote(fragment))
        return None if found is None else Place(found, base)

    def resolve(self, place: Place) -> Place:
        """The place that a `$ref` leads to, through any number of them; the place itself when there is none."""
        for _ in range(50):
            reference = place.schema.get("$ref") if isinstance(place.schema, dict) else None
            if not isinstance(reference, str):
                return place
            found = self.place(joined(place.base, reference))
            if found is None:
                return place
            place = found
        return place

    def _by_id(self) -> dict[str, Any]:
        """Parts that have a name of their own: `$id`, `$anchor`, and draft-04's `id`."""
        if self._embedded is None:
            self._embedded = {}
            for uri, document in [*self.documents.items(), (self.uri, self.root)]:
                for base, part in _parts(document, uri):
                    if isinstance(part.get("$id", part.get("id")), str):
                        self._embedded.setdefault(base.rstrip("#"), part)
                    for anchor in (part.get("$anchor"), part.get("$dynamicAnchor")):
                        if isinstance(anchor, str):
                            self._embedded.setdefault(f"{urldefrag(base)[0]}#{anchor}", part)
        return self._embedded


def compile_validator(
    root: Schema,
    uri: str,
    documents: Mapping[str, Schema],
    registry: Any = None,
    *,
    asserts_formats: bool = True,
) -> Any:
    """A `jsonschema_rs` validator. Patterns have a backtracking limit, nothing is fetched.

    Raises:
        UnusableSchema: with the reason, and where in the schema it lies.
    """
    import jsonschema_rs

    if registry is None and documents:
        registry = shared_registry(documents)
    options: dict[str, Any] = {"registry": registry} if registry is not None else {}
    try:
        return jsonschema_rs.validator_for(
            with_draft(root),
            validate_formats=asserts_formats,
            offline=True,
            base_uri=uri,
            pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=200_000, size_limit=20_000_000),
            **options,
        )
    except jsonschema_rs.ValidationError as error:
        raise UnusableSchema(_why(error), tuple(error.instance_path)) from None
    except (jsonschema_rs.ReferencingError, ValueError) as error:
        raise UnusableSchema(str(error).splitlines()[0]) from None


def shared_registry(documents: Mapping[str, Schema]) -> Any:
    """A registry of schema documents by URI.

    Raises:
        UnusableSchema: when one of them cannot be used.
    """
    import jsonschema_rs

    try:
        resources = [(uri, with_draft(document)) for uri, document in documents.items()]
        return jsonschema_rs.Registry(resources)
    except (jsonschema_rs.ReferencingError, ValueError) as error:
        raise UnusableSchema(str(error).splitlines()[0]) from None


def draft_of(uri: str) -> str | None:
    """The known draft that a `$schema` means, whatever its scheme or ending; None for any other address."""
    return _DRAFTS.get(uri.strip().split("://", 1)[-1].rstrip("#").rstrip("/"))


def with_draft(schema: Schema, default: str = DEFAULT_DRAFT) -> Schema:
    """The schema with a `$schema` as the validator knows it: its own, else the default."""
    if not isinstance(schema, dict):
        return schema
    stated = schema.get("$schema")
    draft = (draft_of(stated) or stated) if isinstance(stated, str) else default
    return schema if draft == stated else {**schema, "$schema": draft}


def _why(error: Any) -> str:
    message = str(error.message).splitlines()[0]
    where = "".join(f"/{step}" for step in error.instance_path)
    if message.endswith('is not a "regex"'):
        shown = error.instance if isinstance(error.instance, str) else "a pattern"
        return f"{where}: {shown!r} is no valid regular expression."
    if "meta-schema" in message:
        return (
            f"{message.split('. ')[0]}. Known are draft-04, draft-06, draft-07, 2019-09 and 2020-12; "
            "a schema that names no draft is read as draft-07."
        )
    return f"{where or 'the schema'}: {message[:300]}"


def references(schema: Schema, uri: str) -> Iterable[tuple[str, str]]:
    """Every reference of a schema document as (the text as written, the absolute URI without fragment)."""
    for base, part in _parts(schema, uri):
        for keyword in ("$ref", "$dynamicRef", "$recursiveRef"):
            if isinstance(reference := part.get(keyword), str):
                yield reference, urldefrag(joined(base, reference))[0]


def joined(base: str, reference: str) -> str:
    """The absolute URI of a reference (RFC 3986), also below a base that has no path, such as a URN."""
    if not reference or reference.startswith("#"):
        return urldefrag(base)[0] + reference
    return urljoin(base, reference)


def own_names(schema: Schema, uri: str) -> set[str]:
    """The URIs that a document defines itself: its own, and those of the parts in it that have an `$id`."""
    return {uri, *(urldefrag(base)[0] for base, _ in _parts(schema, uri))}


def _parts(document: Any, uri: str) -> Iterable[tuple[str, dict[str, Any]]]:
    """Every map of a schema document with the base URI that holds in it. Values that are data are not entered."""
    stack: list[tuple[str, Any]] = [(uri, document)]
    draft = str(document.get("$schema", DEFAULT_DRAFT))
    is_old = "/draft-0" in draft
    while stack:
        base, part = stack.pop()
        if isinstance(part, list):
            stack.extend((base, item) for item in part)
        elif isinstance(part, dict):
            name = part.get("$id", part.get("id") if "draft-04" in draft else None)
            # Until draft-07, what stands beside a `$ref` is not looked at.
            if isinstance(name, str) and not ("$ref" in part and is_old):
                base = joined(base, name)
            yield base, part
            stack.extend((base, value) for key, value in part.items() if key not in _NOT_SCHEMAS)
