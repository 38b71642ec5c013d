"""Settings beside each other whose order is known: a start before its end, a timeout within its interval, a soft limit
below the hard one, a default between the bounds.

Only pairs of one map with plain numbers, durations or dates are compared; what has another unit is left alone. (`min` and
`max` are a rule of `rules/built_in`.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.scalars import pairs, text_of
from automation_scripts.validation.documents.selectors import Match
from automation_scripts.validation.documents.tree import Kind, Node
from automation_scripts.validation.values.formats import duration_seconds
from automation_scripts.validation.values.secret_words import words_of

_NUMBER = re.compile(r"[+-]?\d{1,15}(?:\.\d{1,9})?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two words that name the lower and the higher of two settings, in names that are the same otherwise."""

    low: str
    high: str
    read: Callable[[str], float | None]
    says: str
    severity: Severity = Severity.HIGH


def _number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


def _span(text: str) -> float | None:
    """A number or a duration. Both of a pair must be of one form, which `_compare` sees to."""
    return _number(text) if _NUMBER.fullmatch(text) else duration_seconds(text)


def _moment(text: str) -> float | None:
    if not _DATE.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment.replace(tzinfo=None).timestamp() if moment.year > 1970 else None


_PAIRS = (
    Pair("start", "end", _moment, "it starts after it ends"),
    Pair("begin", "end", _moment, "it begins after it ends"),
    Pair("from", "to", _moment, "it begins after it ends"),
    Pair("from", "until", _moment, "it begins after it ends"),
    Pair("since", "until", _moment, "it begins after it ends"),
    Pair("created", "expires", _moment, "it expires before it is made"),
    Pair("soft", "hard", _number, "the soft limit is above the hard one"),
    Pair("initial", "maximum", _span, "it begins above its maximum"),
    Pair("initial", "max", _span, "it begins above its maximum"),
    Pair("default", "maximum", _span, "the default is above the maximum"),
    Pair("default", "max", _span, "the default is above the maximum"),
    Pair("minimum", "default", _span, "the default is below the minimum"),
    Pair("min", "default", _span, "the default is below the minimum"),
    Pair("min", "desired", _number, "the wanted number is below the least"),
    Pair("desired", "max", _number, "the wanted number is above the most"),
    Pair("lower", "upper", _number, "the lower bound is above the upper one"),
    Pair("low", "high", _number, "the low mark is above the high one"),
)
_PORTS = (
    Pair("from", "to", _number, "the range ends before it begins"),
    Pair("start", "end", _number, "the range ends before it begins"),
)
_BY_LOW: dict[str, list[Pair]] = {}
for _pair in _PAIRS:
    _BY_LOW.setdefault(_pair.low, []).append(_pair)
_WORDS = frozenset(_BY_LOW) | {"timeout", "from", "start"}
_MARKS = frozenset(("watermark", "mark", "water", "bound", "limit"))
_MARK = re.compile("|".join(sorted(_WORDS)), re.IGNORECASE)
_MAX_ENTRIES = 400


def check_orderings(corpus: Corpus) -> list[Finding]:
    """Every pair of settings that stands the wrong way round."""
    found: list[Finding] = []
    for document in corpus.documents:
        if document.kind in ("package-json", "github-issue-form"):
            continue
        for name, matches in document.index.by_key.items():
            if len(name) > 60 or not _MARK.search(name):
                continue
            words = tuple(words_of(name))
            if not _WORDS.intersection(words):
                continue
            listed: list[Finding] = []
            for match in matches:
                parent = match.parent
                if (
                    match.node.kind is Kind.SCALAR
                    and match.key is not None
                    and parent is not None
                    and parent.kind is Kind.MAP
                ):
                    listed += _of_map(document, match, parent, words)
            # Many of one name in a file of no known kind are records, made up or measured.
            if len(listed) <= 2 or document.kind:
                found += listed
    return found


def _of_map(document: CheckedDocument, match: Match, parent: Node, words: tuple[str, ...]) -> Iterator[Finding]:
    if not 1 < len(parent.entries) <= _MAX_ENTRIES or match.key is None:
        return
    named = {tuple(words_of(k.value)): (k, v) for k, v in pairs(parent) if len(k.value) <= 60 and v.kind is Kind.SCALAR}
    yield from _of_key(document, match.key, match.node, words, named, match.path[:-1])


def _of_key(
    document: CheckedDocument,
    key: Node,
    value: Node,
    words: tuple[str, ...],
    named: dict[tuple[str, ...], tuple[Node, Node]],
    path: tuple[str | int, ...],
) -> Iterator[Finding]:
    for i, word in enumerate(words):
        ports = _PORTS if "port" in words else ()
        for pair in (*_BY_LOW.get(word, ()), *(each for each in ports if each.low == word)):
            if word == "low" and not _MARKS.intersection(words):
                continue
            other = named.get((*words[:i], pair.high, *words[i + 1 :]))
            if other is not None:
                yield from _compare(document, key, value, other, pair, path)
        if word == "timeout":
            other = named.get((*words[:i], "interval", *words[i + 1 :]))
            if other is not None and _is_refused(document, words):
                pair = Pair(
                    "timeout",
                    "interval",
                    _span,
                    "a check may take longer than the time until the next one",
                    Severity.MEDIUM,
                )
                yield from _compare(document, key, value, other, pair, path)


def _is_refused(document: CheckedDocument, words: tuple[str, ...]) -> bool:
    """True where the tool refuses a timeout that is longer than its interval; others just begin the next check late."""
    return "scrape" in words or (document.kind == "cloudformation" and "health" in words)


def _compare(
    document: CheckedDocument, key: Node, value: Node, other: tuple[Node, Node], pair: Pair, path: tuple[str | int, ...]
) -> Iterator[Finding]:
    one, two = text_of(value), text_of(other[1])
    if (
        one is None
        or two is None
        or len(one) > 40
        or len(two) > 40
        or bool(_NUMBER.fullmatch(one)) != bool(_NUMBER.fullmatch(two))
    ):
        return
    low, high = pair.read(one), pair.read(two)
    # 0 and -1 mostly mean 'without limit'.
    if low is None or high is None or low <= high or (high in (0, -1) and pair.read is not _moment):
        return
    yield document.finding(
        value.span, "reference/wrong-order", pair.severity,
        f"{key.value} is {one} and {other[0].value} is {two}: {pair.says}.", "conflict", path=(*path, key.value),
        suggestion="Exchange the two, or correct the wrong one.",
    )  # fmt: skip
