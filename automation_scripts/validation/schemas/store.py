"""The schemas that ship with this package: their catalogue, and each one's content with its overlay applied."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from automation_scripts.errors import ConfigurationError

Schema = dict[str, Any]

BASE_URI = "https://automation-scripts.invalid/schemas/"
"""Under a name that can never be looked up (RFC 2606); references in the schemas are relative to it."""

HERE = Path(__file__).parent
DATA = HERE / "data"
CATALOG = HERE / "catalog.yaml"
FETCHED = HERE / "fetched.json"
"""Written by the update command: when each schema was released, and the hash of what was fetched."""


@dataclass(frozen=True, slots=True)
class PackageSource:
    """A file inside a published Python package; all of its files where there is no `member`."""

    package: str
    version: str
    member: str = ""


@dataclass(frozen=True, slots=True)
class RepositorySource:
    """A file of a public repository at a commit; all of its files where there is no `member`."""

    repository: str
    commit: str
    member: str = ""


Source = PackageSource | RepositorySource


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """One schema of the catalogue; `catalog.yaml` explains the fields. `source` is None for schemas written here."""

    id: str
    file: str
    title: str
    licence: str
    kind: str | None = None
    version: str | None = None
    urls: tuple[str, ...] = ()
    source: Source | None = None
    upstream: str | None = None
    version_note: str | None = None
    date: str | None = None
    licence_file: str | None = None
    licence_member: str | None = None
    changes: tuple[str, ...] = ()
    overlay: str | None = None
    reading: str = "1.1"
    null_unsets: bool = False
    converts: str = ""
    reference: str | None = None

    @property
    def uri(self) -> str:
        """The name that the schema is known by inside this package, and in references to it."""
        return f"{BASE_URI}{self.id}"


@dataclass(frozen=True, slots=True)
class Bundle:
    """An archive of many schemas, made by the builder of its id (`builders.py`); `catalog.yaml` explains the fields."""

    id: str
    file: str
    title: str
    licence: str
    sources: tuple[Source, ...]
    date: str | None = None
    licence_file: str | None = None
    licence_member: str | None = None


@lru_cache(maxsize=1)
def catalogue() -> tuple[CatalogEntry, ...]:
    """Every schema that is known of, in the catalogue's own order; those that are not shipped are among them.

    Raises:
        ConfigurationError: when catalog.yaml cannot be used; it names the entry.
    """
    fetched = _fetched()
    return tuple(_entry(raw, fetched) for raw in _catalog()["schemas"])


@lru_cache(maxsize=1)
def entries() -> tuple[CatalogEntry, ...]:
    """The schemas that are here. Those of repositories are not shipped: the update command brings them.

    Raises:
        ConfigurationError: as `catalogue`.
    """
    return tuple(
        found for found in catalogue() if not isinstance(found.source, RepositorySource) or (DATA / found.file).exists()
    )


@lru_cache(maxsize=1)
def bundles() -> tuple[Bundle, ...]:
    """The archives of the catalogue.

    Raises:
        ConfigurationError: when catalog.yaml cannot be used; it names the bundle.
    """
    fetched = _fetched()
    found = []
    for raw in _catalog()["bundles"]:
        fields = {**raw, "date": fetched.get(raw.get("id", ""), {}).get("date")}
        try:
            fields["sources"] = tuple(_source(source) for source in fields["sources"])
            found.append(Bundle(**fields))
        except (TypeError, KeyError) as error:
            raise ConfigurationError(f"{CATALOG.name}: bundle {raw.get('id', raw)!r} is wrong: {error}") from error
    return tuple(found)


def _catalog() -> dict[str, Any]:
    content: dict[str, Any] = _yaml(CATALOG)
    return content


def _yaml(path: Path) -> Any:
    # libyaml's loader: the catalogue is read in every run.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(path.read_text(encoding="utf-8"), loader)  # noqa: S506


def _fetched() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(FETCHED.read_text(encoding="utf-8")) if FETCHED.exists() else {}
    return found


def _source(raw: dict[str, str]) -> Source:
    return RepositorySource(**raw) if "repository" in raw else PackageSource(**raw)


def _entry(raw: dict[str, Any], fetched: dict[str, dict[str, str]]) -> CatalogEntry:
    fields = dict(raw)
    source = fields.pop("source", "own")
    if source != "own":
        fields.setdefault("date", fetched.get(raw.get("id", ""), {}).get("date"))
    if fields.get("date") is not None:
        fields["date"] = str(fields["date"])
    for name in ("urls", "changes"):
        fields[name] = tuple(fields.get(name, ()))
    try:
        return CatalogEntry(**fields, source=None if source == "own" else _source(source))
    except TypeError as error:
        raise ConfigurationError(f"{CATALOG.name}: entry {raw.get('id', raw)!r} is wrong: {error}") from error


@lru_cache(maxsize=1)
def _by_id() -> dict[str, CatalogEntry]:
    return {entry.id: entry for entry in entries()}


@lru_cache(maxsize=1)
def _by_url() -> dict[str, CatalogEntry]:
    return {_plain_url(url): entry for entry in entries() for url in entry.urls}


def entry(schema_id: str) -> CatalogEntry:
    """The catalogue entry of that id.

    Raises:
        ConfigurationError: when there is none.
    """
    if schema_id not in _by_id():
        raise ConfigurationError(f"There is no schema {schema_id!r}. Known: {', '.join(sorted(_by_id()))}.")
    return _by_id()[schema_id]


def shipped(schema_id: str) -> CatalogEntry | None:
    """The entry of that id, None where its schema is not here."""
    return _by_id().get(schema_id)


def entry_for_url(url: str) -> CatalogEntry | None:
    """The schema that this address means, whatever its scheme, `www.`, `.json` or `#` ending; None when unknown."""
    return _by_url().get(_plain_url(url))


def entry_for_kind(kind: str, version: str | None = None) -> CatalogEntry | None:
    """The schema for a document kind: the one whose version begins the document's, else the one without version."""
    fallback = None
    for candidate in entries():
        if candidate.kind != kind:
            continue
        if candidate.version is None:
            fallback = candidate
        elif version and (version == candidate.version or version.startswith(candidate.version + ".")):
            return candidate
    return fallback


def _plain_url(url: str) -> str:
    plain = url.strip().split("://", 1)[-1].rstrip("#").rstrip("/")
    return plain.removeprefix("www.").removeprefix("json.").removesuffix(".json")


@lru_cache(maxsize=64)
def load(schema_id: str) -> Schema:
    """The schema of that id, with its overlay applied. The same object each time: do not change it.

    Raises:
        ConfigurationError: when the id is unknown, or its file is missing or no JSON.
    """
    found = entry(schema_id)
    try:
        schema: Schema = json.loads((DATA / found.file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"The schema {schema_id!r} cannot be read from {found.file}: {error}. Install the package again."
        ) from error
    if found.overlay:
        apply_overlay(schema, overlay_of(found), found.overlay)
    return schema


@lru_cache(maxsize=64)
def overlay_of(found: CatalogEntry) -> list[dict[str, Any]]:
    """The steps of an entry's overlay; none where it has none."""
    if found.overlay is None:
        return []
    steps: list[dict[str, Any]] = _yaml(DATA / found.overlay)
    return steps


def apply_overlay(schema: Schema, steps: list[dict[str, Any]], name: str) -> None:
    """Change `schema` in place. A step names a place (`at`, a JSON pointer or a list of them) and what to `set`
    there, keyword by keyword, what to `drop`, and which properties there are `also`, of any form.

    An `enum` that is set on something that may be null keeps null allowed: unset fields are written so.

    Raises:
        ConfigurationError: when a place does not exist, so that an updated schema cannot lose a step unseen.
    """
    for step in steps:
        for pointer in [step["at"]] if isinstance(step["at"], str) else step["at"]:
            target = at_pointer(schema, pointer)
            if not isinstance(target, dict):
                raise ConfigurationError(f"{name}: the schema has no {pointer!r}. Mend or remove the step.")
            _apply_step(target, step)


def _apply_step(target: Schema, step: dict[str, Any]) -> None:
    for keyword in step.get("drop", ()):
        target.pop(keyword, None)
    target.update(step.get("set", {}))
    for key in step.get("also", ()):
        target.setdefault("properties", {}).setdefault(key, {})
    if "enum" in step.get("set", {}) and "null" in _types(target):
        target["enum"] = [*target["enum"], None]


def _types(schema: Schema) -> list[str]:
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else types


def at_pointer(document: Any, pointer: str) -> Any:
    """What an RFC 6901 pointer leads to in plain data; None when it leads nowhere."""
    for raw in pointer.split("/")[1:]:
        step = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict) and step in document:
            document = document[step]
        elif isinstance(document, list) and step.isdigit() and int(step) < len(document):
            document = document[int(step)]
        else:
            return None
    return document
