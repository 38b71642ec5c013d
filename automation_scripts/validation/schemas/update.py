"""Fetch the schemas again from where the catalogue says they come from, and store them.

    python -m automation_scripts.validation.schemas.update [--only ID ...] [--upstream] [--check]
                                                           [--clone OWNER/NAME=FOLDER ...]

This is the only code of the package that uses the network for schemas; validating never does.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from automation_scripts.errors import AutomationError, ConfigurationError
from automation_scripts.validation.schemas import archive
from automation_scripts.validation.schemas.builders import build
from automation_scripts.validation.schemas.sources import Workspace, get_upstream
from automation_scripts.validation.schemas.store import (
    DATA,
    FETCHED,
    HERE,
    Bundle,
    CatalogEntry,
    bundles,
    catalogue,
)
from automation_scripts.validation.schemas.transform import apply_changes


@dataclass(frozen=True, slots=True)
class Fetched:
    """What is stored of an entry: the bytes, when their source was published, and the hash of what was fetched."""

    content: bytes
    date: str
    digest: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when all is stored (or up to date with `--check`), 1 otherwise."""
    parser = argparse.ArgumentParser(prog="update", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="ID", help="update these schemas alone")
    parser.add_argument("--upstream", action="store_true", help="fetch from the authors' own addresses")
    parser.add_argument("--check", action="store_true", help="change nothing; fail when something would change")
    parser.add_argument("--clone", nargs="+", default=[], metavar="OWNER/NAME=FOLDER", help="clones to read from")
    options = parser.parse_args(arguments)
    clones = {name: Path(folder) for name, _, folder in (given.partition("=") for given in options.clone)}
    try:
        changed = update(options.only, upstream=options.upstream, check=options.check, clones=clones)
    except AutomationError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 1 if options.check and changed else 0


def update(
    only: Sequence[str] | None = None,
    *,
    upstream: bool = False,
    check: bool = False,
    clones: Mapping[str, Path] | None = None,
) -> list[str]:
    """Fetch, change and store the schemas; the ids that differ from what was stored.

    Nothing is written unless every fetch succeeded: a half-updated set of schemas would be worse than an old one.

    Raises:
        ConfigurationError: when an id is unknown, a source cannot be reached, or what it gave is no JSON Schema.
    """
    known: dict[str, CatalogEntry | Bundle] = {one.id: one for one in catalogue()}
    known |= {one.id: one for one in bundles()}
    if unknown := sorted(set(only or ()) - set(known)):
        raise ConfigurationError(f"No such schema: {', '.join(unknown)}. Known: {', '.join(sorted(known))}.")
    chosen = [known[id] for id in known if only is None or id in only]
    new: dict[str, tuple[CatalogEntry | Bundle, Fetched]] = {}
    with tempfile.TemporaryDirectory(prefix="schemas-") as folder:
        workspace = Workspace(Path(folder), clones or {})
        for one in chosen:
            if isinstance(one, Bundle):
                new[one.id] = (one, _fetch_bundle(one, workspace))
            elif one.source is not None:
                new[one.id] = (one, _fetch(one, workspace, upstream=upstream))
        changed = [id for id, (one, fetched) in new.items() if _stored(DATA / one.file) != fetched.content]
        for id in changed:
            print(f"{id}: {'would change' if check else 'changed'}")
        print(f"{len(new)} schemas fetched, {len(changed)} changed.")
        if not check:
            _store(new, workspace)
    return changed


def _stored(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _store(new: Mapping[str, tuple[CatalogEntry | Bundle, Fetched]], workspace: Workspace) -> None:
    record = json.loads(FETCHED.read_text(encoding="utf-8")) if FETCHED.exists() else {}
    for id, (one, fetched) in new.items():
        (DATA / one.file).write_bytes(fetched.content)
        record[id] = {"date": fetched.date, "sha256": fetched.digest}
        if one.licence_file:
            (HERE / "licenses").mkdir(exist_ok=True)
            (HERE / "licenses" / one.licence_file).write_bytes(_licence(one, workspace))
    FETCHED.write_text(json.dumps(record, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _licence(one: CatalogEntry | Bundle, workspace: Workspace) -> bytes:
    """The licence text that the licence wants to travel with the data; packages carry it beside the schema."""
    source = one.sources[0] if isinstance(one, Bundle) else one.source
    assert source is not None
    beside = f"{source.member.rpartition('/')[0]}/licenses/{one.licence_file}"
    return workspace.open(source).read(one.licence_member or beside)


def _fetch_bundle(bundle: Bundle, workspace: Workspace) -> Fetched:
    opened = [workspace.open(source) for source in bundle.sources]
    try:
        content = archive.packed(build(bundle.id, opened))
    except (KeyError, ValueError) as error:
        raise ConfigurationError(f"{bundle.id}: the source has another form than the one expected: {error}") from error
    return Fetched(content, max(one.date for one in opened), hashlib.sha256(content).hexdigest())


def _fetch(entry: CatalogEntry, workspace: Workspace, *, upstream: bool) -> Fetched:
    assert entry.source is not None
    if upstream:
        if entry.upstream is None:
            raise ConfigurationError(f"{entry.id}: the catalogue names no upstream address.")
        try:
            content, date = get_upstream(entry.upstream)
        except ConfigurationError as error:
            raise ConfigurationError(f"{entry.id}: {error}") from error
    else:
        opened = workspace.open(entry.source)
        content, date = opened.read(entry.source.member), opened.day_of(entry.source.member)
    return Fetched(_stored_form(entry, content), date, hashlib.sha256(content).hexdigest())


def _stored_form(entry: CatalogEntry, content: bytes) -> bytes:
    try:
        schema = json.loads(content)
    except ValueError as error:
        raise ConfigurationError(f"{entry.id}: what the source gave is no JSON: {error}") from error
    if not isinstance(schema, dict):
        raise ConfigurationError(f"{entry.id}: what the source gave is no schema: a JSON object was expected.")
    try:
        changed = apply_changes(schema, entry.changes)
    except KeyError as error:
        raise ConfigurationError(
            f"{entry.id}: the source's form is not the one that the change expects: {error} is missing."
        ) from error
    return (json.dumps(changed, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


if __name__ == "__main__":
    raise SystemExit(main())
