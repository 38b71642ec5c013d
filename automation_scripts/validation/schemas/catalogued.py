"""The schemas of the catalogue and the metaschemas, ready to judge, each compiled once a process."""

from __future__ import annotations

from functools import lru_cache

from automation_scripts.validation.schemas.compiled import CompiledSchema
from automation_scripts.validation.schemas.store import BASE_URI, entry, load


@lru_cache(maxsize=64)
def catalogued(schema_id: str) -> CompiledSchema:
    """A schema of the catalogue, compiled once a process."""
    known = entry(schema_id)
    return CompiledSchema(load(schema_id), known.uri, known.title, registry=None)


@lru_cache(maxsize=16)
def metaschema(uri: str) -> CompiledSchema:
    """The schema of schemas of one draft, which the validator brings along."""
    return CompiledSchema({"$schema": uri, "$ref": uri}, f"{BASE_URI}metaschema", "JSON Schema")
