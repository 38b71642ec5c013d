"""JSON Schemas that ship with this package, with the source, version, date and licence of each (`catalog.yaml`)."""

from automation_scripts.validation.schemas.store import (
    CatalogEntry,
    Schema,
    at_pointer,
    entries,
    entry,
    entry_for_kind,
    entry_for_url,
    load,
)

__all__ = [
    "CatalogEntry",
    "Schema",
    "at_pointer",
    "entries",
    "entry",
    "entry_for_kind",
    "entry_for_url",
    "load",
]
