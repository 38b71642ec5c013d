"""A small clean file of each kind, written for this project: what the engine is tried on where no corpus is at hand."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.loader import CorpusFile

FOLDER = Path(__file__).with_name("samples")


def samples() -> tuple[CorpusFile, ...]:
    """The samples as corpus files."""
    return tuple(
        CorpusFile(
            kind=path.relative_to(FOLDER).parts[0],
            repository="",
            path=str(path.relative_to(FOLDER / path.relative_to(FOLDER).parts[0])),
            blob=str(path.relative_to(FOLDER)),
            commit="",
            licence="Apache-2.0",
            group="01" if path.parent.name == "environments" else "",
            text=path.read_text("utf-8"),
        )
        for path in sorted(FOLDER.rglob("*"))
        if path.is_file() and path.name != "Chart.yaml"
    )
