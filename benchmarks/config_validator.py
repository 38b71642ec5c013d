"""config_validator on a corpus of real files, beside the public validators.

`python -m benchmarks config_validator` prints the figures; `python -m benchmarks.config_validator` prints the tables by
kind and class too. Both need `CONFIG_CORPUS` (see tests/corpus/loader.py). The other validators are installed into
`VALIDATOR_TOOLS`, or into a folder of the system's for temporary files: never into the project's environment.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Figure, median
from benchmarks.validators.compare import OURS, Compared, Comparison, compare
from benchmarks.validators.cost import peak_memory, process_cpu, spread, throughput
from benchmarks.validators.scoring import Score
from benchmarks.validators.tools import CHECKOV_KINDS
from benchmarks.validators.tools import run as run_tool
from tests.corpus.loader import VARIABLE, load, repositories_folder

SHARE = float(os.environ.get("VALIDATOR_SHARE", "0.35"))
"""The part of the seeded mistakes that is measured, always the same one."""


def measure(home: Path, rounds: int) -> Iterator[Figure]:
    """The figures, one after the other. `home` is not used: nothing of this needs a server."""
    corpus = repositories_folder()
    if corpus is None:
        yield Figure("config_validator", 0, "", "", f"left out: {VARIABLE} names no folder of repositories")
        return
    with tempfile.TemporaryDirectory(prefix="validators-") as folder:
        found = compare(corpus, Path(folder), _tools(), SHARE)
    yield from quality(found)
    yield from cost(corpus, rounds, "checkov" not in found.notes)


def quality(found: Comparison) -> Iterator[Figure]:
    """Recall, alarms and fixes, ours and the others'."""
    everything = Compared(OURS, found.ours, found.ours, found.cases)
    yield from _of(everything, f"{OURS}, all kinds", "")
    classes = [score.recall for score in everything.by_class(found.ours).values()]
    yield Figure(
        f"{OURS}: mean over the classes", sum(classes) / len(classes) * 100, "%", "", f"{len(classes)} classes"
    )
    crashed = len(found.ours.crashed)
    yield Figure(f"{OURS}: cases that ended with an exception", crashed, "", "0", "; ".join(found.ours.crashed[:1]))
    share = found.good / found.offered if found.offered else 0.0
    yield Figure("fixes that hold when all is validated again", share * 100, "%", "100 %", f"of {found.offered}")
    for tool in found.tools:
        yield from _of(tool, tool.name, "generous mapping of its rules")
    for name, reason in found.notes.items():
        yield Figure(name, 0, "", "", f"left out: {reason}")


def _of(one: Compared, title: str, note: str) -> Iterator[Figure]:
    score, ours = one.score(one.run, one.cases), one.score(one.ours, one.cases)
    beside = "" if one.name == OURS else f"; ours on the same {ours.recall * 100:.1f}"
    yield Figure(f"{title}: mistakes found, class and line", score.recall * 100, "%", "", f"of {score.wanted}{beside}")
    yield Figure(f"{title}: the same, line within 1 or in the block", score.near_recall * 100, "%", "", note)
    if one.name != OURS:
        score, ours = one.score(one.run, one.same_classes), one.score(one.ours, one.same_classes)
        beside = f"of {score.wanted}; near {score.near_recall * 100:.1f}; ours on the same {ours.recall * 100:.1f}"
        yield Figure(f"{title}: only classes it has rules for", score.recall * 100, "%", "", beside)
    reading = one.reading(one.run)
    alarms = len(reading.alarms) / reading.clean if reading.clean else 0.0
    yield Figure(f"{title}: false alarms a clean file", alarms, "", "", f"{reading.clean} files read by hand")
    if reading.mistakes:
        share = reading.found / reading.mistakes * 100
        yield Figure(f"{title}: true mistakes of real files", share, "%", "", f"of {reading.mistakes}")
    files = one.run.files / one.run.cpu if one.run.cpu else 0.0
    yield Figure(
        f"{title}: files a CPU second", files, "/s", "", "one call a file" if one.name == OURS else "in batches"
    )


def cost(corpus: Path, rounds: int, with_checkov: bool) -> Iterator[Figure]:
    """Processor time and memory."""
    files = load(corpus)
    with tempfile.TemporaryDirectory(prefix="validators-") as folder:
        once, ten, small, shared = (Path(folder) / name for name in ("once", "ten", "small", "shared"))
        size = spread(files, once)
        spread(files, ten, 10)
        spread([min(files, key=lambda file: len(file.text))], small)
        yield Figure("throughput, all rules, whole corpus", throughput(once, size, rounds), "MB/s", "≥ 3", "CPU time")
        start = median([process_cpu(small) for _ in range(max(3, rounds // 2))])
        yield Figure("start-up with one small file", start, "s CPU", "≤ 0.5", "without Great Expectations")
        one, more = peak_memory(once), peak_memory(ten)
        yield Figure("peak memory, corpus once", one, "MiB", "", f"{len(files)} files, {size / 1e6:.2f} MB")
        yield Figure("peak memory, corpus ten times", more, "MiB", "flat", f"{more / one:.2f} times as much")
        if with_checkov:
            taken = [file for file in files if file.kind in CHECKOV_KINDS]
            spread(taken, shared)
            ours = len(taken) / process_cpu(shared)
            run = run_tool("checkov", [], shared, _tools())
            theirs = len(taken) / run.cpu
            yield Figure(
                "files a CPU second beside checkov", ours / theirs, "x", "≥ 10", f"{ours:.0f} and {theirs:.1f}"
            )


def tables(found: Comparison) -> str:
    """Recall by kind and by class: ours on everything, and each tool beside ours on its own cases."""
    lines: list[str] = []
    everything_of = Compared(OURS, found.ours, found.ours, found.cases)
    for title, name in (("kind", "by_kind"), ("class", "by_class")):
        everything = getattr(everything_of, name)(found.ours)
        columns = {tool.name: getattr(tool, name)(tool.run) for tool in found.tools}
        lines += [
            "",
            f"| {title} | mistakes | {OURS} | " + " | ".join(columns) + " |",
            "|---" * (3 + len(columns)) + "|",
        ]
        for key in sorted(everything):
            cells = [_cell(column.get(key)) for column in columns.values()]
            lines.append(f"| {key} | {everything[key].wanted} | {_cell(everything[key])} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(score: Score | None) -> str:
    return f"{score.recall * 100:.0f} ({score.near_recall * 100:.0f})" if score and score.wanted else ""


def _tools() -> Path:
    return Path(os.environ.get("VALIDATOR_TOOLS") or Path(tempfile.gettempdir()) / "validator-tools")


def main() -> None:
    """Print the tables and the figures of quality."""
    corpus = repositories_folder()
    if corpus is None:
        raise SystemExit(f"{VARIABLE} names no folder of repositories")
    with tempfile.TemporaryDirectory(prefix="validators-") as folder:
        found = compare(corpus, Path(folder), _tools(), SHARE)
    print("| what | measured | goal | how |\n|---|---|---|---|")
    for figure in (*quality(found), *cost(corpus, 5, "checkov" not in found.notes)):
        print(figure.line(), flush=True)
    print(tables(found))


if __name__ == "__main__":
    main()
