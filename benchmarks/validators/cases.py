"""The folders that validators are run on: each real file by itself, as it is and with one mistake."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.corpus.loader import CorpusFile
from tests.corpus.mutations import Mutant, between, mutants

CHART = "apiVersion: v2\nname: chart\nversion: 0.1.0\n"


@dataclass(frozen=True, slots=True)
class Case:
    """One folder: `files` by path, the one that matters, and the mistake in it if there is one."""

    number: int
    kind: str
    path: str
    files: tuple[tuple[str, str], ...]
    blob: str
    """The hash of the real file."""
    base: int
    """The number of the case with the same files as they really are."""
    name: str = ""
    mutant: Mutant | None = None

    @property
    def folder(self) -> str:
        """A name of its own."""
        return f"{self.number:05d}"

    @property
    def text(self) -> str:
        """The text of the file that matters."""
        return dict(self.files)[self.path]


def cases(files: Sequence[CorpusFile], share: float = 1.0) -> list[Case]:
    """The clean cases, each followed by its mutants; `share` takes a part of the mutants, always the same one."""
    made: list[Case] = []
    for file in files:
        base = Case(len(made), file.kind, file.path, _folder(file, files), file.blob, len(made))
        made.append(base)
        for name, mutant in _mutants(file, files):
            if share < 1.0 and random.Random(f"{file.blob}/{name}/{mutant.line}").random() >= share:
                continue
            changed = tuple((path, mutant.text if path == file.path else text) for path, text in base.files)
            made.append(replace(base, number=len(made), files=changed, name=name, mutant=mutant))
    return made


def write(made: Iterable[Case], root: Path) -> None:
    """Put every case into a folder of its own under `root`."""
    for case in made:
        for path, text in case.files:
            target = root / case.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text.encode("utf-8"))


def _folder(file: CorpusFile, files: Sequence[CorpusFile]) -> tuple[tuple[str, str], ...]:
    if file.group:
        return tuple((other.path, other.text) for other in files if other.group == file.group)
    if file.kind == "helm-values":
        return ((file.path, file.text), (str(Path(file.path).with_name("Chart.yaml")), CHART))
    return ((file.path, file.text),)


def _mutants(file: CorpusFile, files: Sequence[CorpusFile]) -> Iterator[tuple[str, Mutant]]:
    json = file.path.endswith(".json")
    yield from mutants(file.text, file.kind, json, file.blob)
    if "prod" in file.path.lower():
        for other in files:
            if other.group and other.group == file.group and other.path != file.path:
                yield from between(file.text, other.text, json, file.blob)
                return
