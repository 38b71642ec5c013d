"""Which findings a baseline accepts: exact matches first, then those whose place in a list moved, then moved files."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TypeVar

from automation_scripts.results import Finding
from automation_scripts.validation.team.baseline_file import Entry
from automation_scripts.validation.team.identity import fingerprint, loose, sentence_of

_LONGEST_MESSAGE = 160
_Key = TypeVar("_Key")


def entry_of(finding: Finding, file: str) -> Entry:
    """The entry that accepts one finding; `file` is what the baseline calls its file."""
    message = " ".join(sentence_of(finding).split())
    if len(message) > _LONGEST_MESSAGE:
        message = message[: _LONGEST_MESSAGE - 1] + "…"
    return Entry(
        file,
        finding.rule_id,
        finding.resource or "",
        message,
        fingerprint(finding, file),
        lines=(finding.line or 0,),
    )


def counted(entries: Iterable[Entry]) -> list[Entry]:
    """Equal entries as one, with their number and all their lines."""
    known: dict[str, Entry] = {}
    for entry in entries:
        before = known.get(entry.fingerprint)
        known[entry.fingerprint] = entry if before is None else _together(before, entry)
    return list(known.values())


def _together(one: Entry, other: Entry) -> Entry:
    return replace(one, count=one.count + other.count, lines=tuple(sorted(one.lines + other.lines)))


def match(
    found: Sequence[Entry], accepted: Sequence[Entry], is_gone: Callable[[str], bool] = lambda file: False
) -> tuple[set[int], list[Entry]]:
    """The numbers of those in `found` that are accepted, and what of `accepted` nothing answers to.

    Args:
        found: one entry a finding.
        accepted: the baseline's.
        is_gone: whether a file that the baseline names is there no longer.
    """
    known = {entry.fingerprint: entry for entry in counted(accepted)}
    left = Counter({key: entry.count for key, entry in known.items()})
    taken: set[int] = set()
    rest: list[int] = []
    for key, numbers in _grouped(range(len(found)), lambda number: found[number].fingerprint).items():
        if len(numbers) <= left[key]:
            left[key] -= len(numbers)
            taken.update(numbers)
        elif left[key]:
            left[key] = 0
            taken.update(_those_that_stayed(numbers, found, known[key]))
        else:
            rest += numbers
    rest = _moved(rest, found, known, left, taken, _in_file)
    gone = {key: entry for key, entry in known.items() if left[key] and is_gone(entry.file)}
    homes = {entry.file for entry in accepted}
    rest = [number for number in rest if found[number].file not in homes] if gone else []
    for of_file in (_of_name, _of_folder):
        rest = _moved(rest, found, gone, left, taken, of_file)
    return taken, _missing(accepted, left)


def _those_that_stayed(numbers: Sequence[int], found: Sequence[Entry], entry: Entry) -> list[int]:
    """More equal findings than are accepted: those whose distances to each other are most like what they were.

    Nobody can tell when the baseline does not say where they stood; then none is accepted.
    """
    old = sorted(entry.lines)
    if len(old) != entry.count:
        return []
    ordered = sorted(numbers, key=lambda number: found[number].lines)
    lines = [found[number].lines[0] for number in ordered]
    spare = len(lines) - len(old)
    # best[s]: the least change of distances, and the choice, when s findings were passed over so far.
    best: list[tuple[int, list[int]]] = [(0, [ordered[skipped]]) for skipped in range(spare + 1)]
    for k in range(1, len(old)):
        step = old[k] - old[k - 1]
        following: list[tuple[int, list[int]]] = []
        for skipped in range(spare + 1):
            at = k + skipped
            cost, before = min((best[s][0] + abs(lines[at] - lines[k - 1 + s] - step), s) for s in range(skipped + 1))
            following.append((cost, [*best[before][1], ordered[at]]))
        best = following
    # Of equally good choices the one that moved least.
    return min(best, key=lambda choice: (choice[0], abs(found[choice[1][0]].lines[0] - old[0])))[1]


def _moved(
    rest: Sequence[int],
    found: Sequence[Entry],
    known: Mapping[str, Entry],
    left: Counter[str],
    taken: set[int],
    of_file: Callable[[str], str],
) -> list[int]:
    """Accept findings by what stays when items or files are moved; the numbers that are still not accepted."""

    def key_of(entry: Entry) -> tuple[str, str, str, str]:
        return entry.rule, of_file(entry.file), loose(entry.resource), loose(entry.message)

    waiting: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for fingerprint_, entry in known.items():
        if left[fingerprint_]:
            waiting[key_of(entry)].append(fingerprint_)
    if not waiting:
        return list(rest)
    still: list[int] = []
    for key, numbers in _grouped(rest, lambda number: key_of(found[number])).items():
        prints = waiting.get(key, [])
        if len(numbers) > sum(left[one] for one in prints):
            still += numbers
            continue
        taken.update(numbers)
        needed = len(numbers)
        for one in prints:
            used = min(needed, left[one])
            left[one] -= used
            needed -= used
    return sorted(still)


def _missing(accepted: Sequence[Entry], left: Counter[str]) -> list[Entry]:
    missing = []
    for entry in accepted:
        if count := min(left[entry.fingerprint], entry.count):
            left[entry.fingerprint] -= count
            missing.append(replace(entry, count=count))
    return missing


def _grouped(numbers: Iterable[int], key: Callable[[int], _Key]) -> dict[_Key, list[int]]:
    groups: dict[_Key, list[int]] = defaultdict(list)
    for number in numbers:
        groups[key(number)].append(number)
    return groups


def _in_file(file: str) -> str:
    return file


def _of_name(file: str) -> str:
    return PurePosixPath(file).name


def _of_folder(file: str) -> str:
    return str(PurePosixPath(file).parent)
