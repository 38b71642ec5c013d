"""Reads typed values from a positioned YAML document, noting every problem at its place instead of stopping."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from automation_scripts.governance.policy.names import fault
from automation_scripts.governance.policy.problems import printable
from automation_scripts.governance.policy.rules import Window
from automation_scripts.governance.policy.vocabulary import WEEKDAYS
from automation_scripts.settings.document import Document
from automation_scripts.settings.problems import KeyPath, Position, shortened
from automation_scripts.settings.values import parse_duration, parse_fraction
from automation_scripts.suggest import nearest

_WINDOW = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s?-\s?(?:([01]\d|2[0-3]):([0-5]\d)|(24):(00))", re.ASCII)
_DAYS = {day[:3]: index for index, day in enumerate(WEEKDAYS)} | {day: index for index, day in enumerate(WEEKDAYS)}
_LONGEST = 1000


class Fields:
    """The values of one document by their paths. A reader returns None, or leaves out, what is wrong."""

    def __init__(self, document: Document) -> None:
        self.document = document

    def wrong(self, path: KeyPath, message: str, *, key: bool = False) -> None:
        """Notes a problem at the value (or the key) of this path."""
        at = (self.document.keys if key else self.document.values).get(path) or self.at(path)
        self.document.report(message, at, path)

    def at(self, path: KeyPath) -> Position:
        """Where the nearest part that has a place stands."""
        for length in range(len(path), 0, -1):
            here = path[:length]
            if found := self.document.keys.get(here) or self.document.values.get(here):
                return found
        return Position(1, 1)

    def mapping(self, path: KeyPath, value: object, known: Collection[str] | None) -> dict[str, Any]:
        """The mapping's known keys; None for `known` takes any."""
        if value is None:
            return {}
        if not isinstance(value, dict):
            names = f" with the keys {', '.join(known)}" if known else ""
            self.wrong(path, f"must be a mapping{names}")
            return {}
        if known is None:
            return value
        for key in value:
            if key not in known:
                guess = nearest(key, known)
                hint = f"; did you mean {guess}?" if guess else "."
                self.wrong((*path, key), f"unknown key{hint} Known here: {', '.join(known)}", key=True)
        return {key: item for key, item in value.items() if key in known}

    def items(self, path: KeyPath, value: object) -> Iterator[tuple[KeyPath, Any]]:
        """The parts of a list, with their paths; something that is no list is a list of itself."""
        if isinstance(value, list):
            yield from (((*path, index), item) for index, item in enumerate(value))
        elif value is not None:
            yield path, value

    def entries(self, path: KeyPath, value: object) -> Iterator[tuple[KeyPath, Any]]:
        """The parts of what has to be a list."""
        if value is not None and not isinstance(value, list):
            self.wrong(path, "must be a list: begin each entry with a dash")
            return
        yield from self.items(path, value)

    def names(self, path: KeyPath, value: object, what: str, known: Collection[str] | None = None) -> tuple[str, ...]:
        """One name or a list of them, each known and once. An empty list is wrong: it would mean `all`."""
        found: list[str] = []
        for here, item in self.items(path, value):
            if message := fault(item, what, known):
                self.wrong(here, message)
            elif item in found:
                self.wrong(here, f"{item} is listed twice")
            else:
                found.append(item)
        if value is None or value == []:
            self.wrong(path, f"names no {what}; leave the key out")
        return tuple(found)

    def flag(self, path: KeyPath, value: object) -> bool | None:
        if not isinstance(value, bool):
            self.wrong(path, f"{_shown(value)} is not allowed. Allowed: true or false, without quotes")
            return None
        return value

    def count(self, path: KeyPath, value: object, least: int, most: int = _LONGEST) -> int | None:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.wrong(path, f"{_shown(value)} is not allowed. Allowed: a whole number from {least} to {most}")
            return None
        return value

    def text(self, path: KeyPath, value: object) -> str:
        """One line of text, as it was written."""
        if not isinstance(value, str) or not value.isprintable() or len(value) > _LONGEST:
            self.wrong(path, f"{_shown(value)} is not allowed. Allowed: one line of up to {_LONGEST} characters")
            return ""
        return value.strip()

    def seconds(self, path: KeyPath, value: object) -> int | None:
        try:
            seconds = parse_duration(value)
        except ValueError:
            seconds = 0.0
        if seconds < 1 or seconds != int(seconds):
            self.wrong(path, f"{_shown(value)} is not allowed. Allowed: whole seconds, or units such as 30s, 5m, 1h")
            return None
        return int(seconds)

    def percentage(self, path: KeyPath, value: object) -> int | None:
        try:
            percent = round(parse_fraction(value) * 100, 9)
        except ValueError:
            percent = -1
        if percent < 0 or percent != int(percent):
            self.wrong(
                path, f"{_shown(value)} is not allowed. Allowed: a whole percentage from 0% to 100%, such as 30%"
            )
            return None
        return int(percent)

    def windows(self, path: KeyPath, value: object) -> tuple[Window, ...]:
        """`08:00-18:00`, `22:00-06:00`, or a list of them."""
        return tuple(
            window for here, item in self._some(path, value) if (window := self._window(here, item)) is not None
        )

    def _window(self, path: KeyPath, value: object) -> Window | None:
        found = _WINDOW.fullmatch(value.strip()) if isinstance(value, str) else None
        if found:
            start = int(found[1]) * 60 + int(found[2])
            end = int(found[3] or found[5]) * 60 + int(found[4] or found[6])
            if start != end:
                return Window(start, end)
        reason = ": it begins and ends at the same time." if found else "."
        self.wrong(path, f"{_shown(value)} is not allowed{reason} Allowed: a time of day such as 08:00-18:00")
        return None

    def days(self, path: KeyPath, value: object) -> tuple[str, ...]:
        """`[mon-fri]`, `saturday`, `[sat, sun]`, `fri-mon` to weekdays, in the order of the week."""
        found: set[int] = set()
        for here, item in self._some(path, value):
            ends = [_DAYS.get(part.strip().lower()) for part in item.split("-")] if isinstance(item, str) else [None]
            first, last = ends[0], ends[-1]
            if first is None or last is None or len(ends) > 2:
                self.wrong(here, f"{_shown(item)} is not allowed. Allowed: days such as mon, friday or mon-fri")
                continue
            found.update((first + step) % 7 for step in range((last - first) % 7 + 1))
        return tuple(WEEKDAYS[index] for index in sorted(found))

    def _some(self, path: KeyPath, value: object) -> Sequence[tuple[KeyPath, Any]]:
        """The items of a list that must not be empty: an empty one would never hold, or always."""
        items = list(self.items(path, value))
        if not items:
            self.wrong(path, "is empty; leave the key out")
        return items


def _shown(value: object) -> str:
    if value is None:
        return "an empty value"
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    return printable(repr(shortened(str(value)))) if isinstance(value, str) else str(value).lower()
