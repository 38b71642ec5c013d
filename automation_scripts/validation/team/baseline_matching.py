"""Which findings a baseline accepts: exact matches first, then those whose place in a list has moved."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from automation_scripts.results import Finding
from automation_scripts.validation.team.baseline_file import Entry
from automation_scripts.validation.team.identity import fingerprint, loose, stable_message

_LONGEST_MESSAGE = 160
_Loose = tuple[str, str, str, str]
_Key = TypeVar("_Key")


def entry_of(finding: Finding, file: str) -> Entry:
    """The entry that accepts one finding; `file` is what the baseline calls its file."""
    message = " ".join(stable_message(finding.message).split())
    if len(message) > _LONGEST_MESSAGE:
        message = message[: _LONGEST_MESSAGE - 1] + "…"
    return Entry(file, finding.rule_id, finding.resource or "", message, fingerprint(finding, file))


def counted(entries: Iterable[Entry]) -> list[Entry]:
    """Equal entries as one, with their number."""
    known: dict[str, Entry] = {}
    for entry in entries:
        before = known.get(entry.fingerprint)
        known[entry.fingerprint] = replace(before, count=before.count + entry.count) if before else entry
    return list(known.values())


def match(found: Sequence[Entry], accepted: Sequence[Entry]) -> tuple[set[int], list[Entry]]:
    """The numbers of those in `found` that are accepted, and what of `accepted` nothing answers to.

    A group of equal findings that is larger than what is accepted of it is not accepted at all, and not missing either.
    """
    left = Counter[str]()
    for entry in accepted:
        left[entry.fingerprint] += entry.count
    taken: set[int] = set()
    rest: list[int] = []
    for key, numbers in _grouped(enumerate(found), lambda entry: entry.fingerprint).items():
        if len(numbers) <= left[key]:
            left[key] -= len(numbers)
            taken.update(numbers)
        elif left[key]:
            left[key] = 0
        else:
            rest += numbers
    taken |= _moved([(number, found[number]) for number in sorted(rest)], accepted, left)
    missing = []
    for entry in accepted:
        if count := min(left[entry.fingerprint], entry.count):
            left[entry.fingerprint] -= count
            missing.append(replace(entry, count=count))
    return taken, missing


def _moved(rest: Sequence[tuple[int, Entry]], accepted: Sequence[Entry], left: Counter[str]) -> set[int]:
    """The same without the numbers of list items and counts: an item put in front of others moves all of them."""
    waiting: dict[_Loose, list[Entry]] = defaultdict(list)
    for entry in accepted:
        if left[entry.fingerprint] > 0:
            waiting[_loose(entry)].append(entry)
    taken: set[int] = set()
    if not waiting:
        return taken
    for key, numbers in _grouped(rest, _loose).items():
        entries = waiting.get(key, [])
        if len(numbers) > sum(left[entry.fingerprint] for entry in entries):
            continue
        taken.update(numbers)
        needed = len(numbers)
        for entry in entries:
            used = min(needed, left[entry.fingerprint])
            left[entry.fingerprint] -= used
            needed -= used
    return taken


def _grouped(found: Iterable[tuple[int, Entry]], key: Callable[[Entry], _Key]) -> dict[_Key, list[int]]:
    groups: dict[_Key, list[int]] = defaultdict(list)
    for number, entry in found:
        groups[key(entry)].append(number)
    return groups


def _loose(entry: Entry) -> _Loose:
    return entry.rule, entry.file, loose(entry.resource), loose(entry.message)
