"""Where YAML 1.1 and YAML 1.2 read the same unquoted text differently, with the way to write it for both.

A reader of YAML 1.1 (PyYAML, Ruby, older Go tools) and one of YAML 1.2 (JavaScript, newer tools) then see different
configurations. Severity follows the harm: a country code that turns into `false`, a port pair that turns into one
number and an identifier that loses digits are worse than `yes` where a boolean is meant. Dates are information only.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.kinds import detect
from automation_scripts.validation.documents.reporting import Reporter
from automation_scripts.validation.documents.tree import Document, Format, Kind, ParsedFile, Style
from automation_scripts.validation.input.limits import DEFAULT_LIMITS, Limits
from automation_scripts.validation.input.text import LineIndex
from automation_scripts.validation.parsing.ambiguous_scalars import Place, places
from automation_scripts.validation.parsing.scalar_types import Scalar, resolve_plain
from automation_scripts.validation.values.secret_words import name_class

_BOOL_WORD = re.compile(r"yes|no|on|off", re.IGNORECASE)
_MODE_KEY = re.compile(r"(?:^|[_-])(?:mode|umask|perms?|permissions?|chmod)$|Mode$", re.IGNORECASE)
_VERSION_KEY = re.compile(r"version|release|^tags?$", re.IGNORECASE)
_LOST_ZERO = re.compile(r"[0-9]+\.[0-9]*[1-9]0+")
_HASH_LIKE = re.compile(r"[0-9]{4,}[eE][0-9]+|[0-9]+[eE][0-9]{3,}")
_THOUSANDS = re.compile(r"[-+]?[0-9]{1,3}(?:_[0-9]{3})+")
_DECIMAL = re.compile(r"([-+]?)([0-9]*)(?:\.([0-9]*))?(?:e([-+]?)([0-9]+))?")
_WORD_KEYS = frozenset({"country", "country_code", "countrycode", "language", "lang", "locale"})
_ANSIBLE_VARIABLES = re.compile(r"/(?:group|host)_vars/|/roles/[^/]+/(?:defaults|vars)/")
_WORKFLOW = re.compile(r"(?:^|/)\.(?:github|gitea|forgejo)/workflows/[^/]+$")


@dataclass(frozen=True, slots=True)
class _Verdict:
    severity: Severity
    message: str
    suggestion: str
    replacement: str


def differences(parsed: ParsedFile, limits: Limits = DEFAULT_LIMITS) -> list[Finding]:
    """Findings for every scalar of the file that YAML 1.1 and 1.2 read as different values or types.

    JSON has one reading, so it has none. The `on:` of a workflow file is what its reader expects and is left alone.
    Numbers that lose a zero that matters (`version: 3.10`) are reported too: cause and cure are the same.
    """
    if parsed.format is not Format.YAML:
        return []
    reporter = Reporter(parsed.name, LineIndex(parsed.text), limits)
    dates: list[Place] = []
    words: list[Place] = []
    for document in parsed.documents:
        only_old: bool | None = None
        for place in places(document):
            if not place.is_key and _LOST_ZERO.fullmatch(place.text) and _VERSION_KEY.search(place.key):
                _report(reporter, place, _lost_zero(place), "yaml/version-number")
                continue
            old, new = resolve_plain(place.text, "1.1"), resolve_plain(place.text, "1.2")
            if old == new:
                continue
            if old.type == "timestamp":
                dates.append(place)
                continue
            if old.type == "bool" and not place.is_key and not _meant_as_text(place):
                only_old = _is_read_by_yaml11(parsed, document) if only_old is None else only_old
                if only_old:
                    words.append(place)
                    continue
            if (verdict := _judge(place, old, new, parsed.name)) is not None:
                _report(reporter, place, verdict)
    if dates:
        first = f"{dates[0].text} is a date for YAML 1.1 and text for YAML 1.2"
        _report_together(reporter, dates, limits, first, "Quote dates where text is wanted.", '"{}"'.format)
    if words:
        first = f"{words[0].text} is a boolean for YAML 1.1, which Ansible reads, and text for YAML 1.2"
        _report_together(reporter, words, limits, first, "Write true and false.", _as_boolean)
    return reporter.ordered()


# Judgements -------------------------------------------------------------------------------------------------


def _judge(place: Place, old: Scalar, new: Scalar, name: str) -> _Verdict | None:
    text = place.text
    if _BOOL_WORD.fullmatch(text):
        return _bool_word(place, old, name)
    if text == "<<":
        return None if place.is_key else _symbol(text, "a merge key")
    if text == "=":
        # Only Go reads the objects of Kubernetes, so the harm is in other tools.
        harmless = place.root.get("apiVersion") is not None
        return _symbol(text, "a default-value key", Severity.LOW if harmless else Severity.MEDIUM)
    if ":" in text:
        return _Verdict(
            Severity.LOW if place.is_key else Severity.MEDIUM,
            f"{text} is the number {old.value} for YAML 1.1 (base 60) and text for YAML 1.2.",
            f'Quote it: "{text}".',
            f'"{text}"',
        )
    if re.fullmatch(r"[-+]?0[0-9_]+", text):
        return _leading_zero(place, old, new)
    return _number(place, old, new)


def _bool_word(place: Place, old: Scalar, name: str) -> _Verdict | None:
    text = place.text
    word = "true" if old.value else "false"
    if place.is_key:
        if text.lower() == "on" and (_WORKFLOW.search(name) or place.root.get("jobs") is not None):
            return None
        return _Verdict(
            Severity.LOW,
            f"The key {text} is the boolean {word} for YAML 1.1 and the text {text!r} for YAML 1.2.",
            f'Quote the key: "{text}".',
            f'"{text}"',
        )
    message = f"{text} is the boolean {word} for YAML 1.1 and the text {text!r} for YAML 1.2"
    if _meant_as_text(place):
        return _Verdict(
            Severity.MEDIUM, f"{message}; here it seems meant as text.", f'Quote it: "{text}".', f'"{text}"'
        )
    return _Verdict(Severity.LOW, f"{message}.", f'Write {word}, or "{text}" if text is meant.', word)


def _is_read_by_yaml11(parsed: ParsedFile, document: Document) -> bool:
    """True for the files of Ansible: their one reader is of YAML 1.1, and `yes` is what people write there."""
    if _ANSIBLE_VARIABLES.search(parsed.path.as_posix()):
        return True
    kind = detect(parsed, document)
    return kind is not None and kind.name.startswith(("ansible", "molecule"))


def _meant_as_text(place: Place) -> bool:
    """`no` among other words of a list, or under a key that takes words."""
    key = place.key.lower()
    if key in _WORD_KEYS or (key == "restart" and place.text.lower() == "no"):
        return True
    if place.parent is None or place.parent.kind is not Kind.SEQ:
        return False
    others = [n for n in place.parent.children if n.kind is Kind.SCALAR and not _BOOL_WORD.fullmatch(n.value)]
    return any(n.style is not Style.PLAIN or resolve_plain(n.value, "1.2").type == "str" for n in others)


def _symbol(text: str, what: str, severity: Severity = Severity.MEDIUM) -> _Verdict:
    return _Verdict(
        severity,
        f"An unquoted {text} is {what} for YAML 1.1, where many readers fail on it, and text for YAML 1.2.",
        f'Quote it: "{text}".',
        f'"{text}"',
    )


def _leading_zero(place: Place, old: Scalar, new: Scalar) -> _Verdict:
    text = place.text
    if old.type == "int":
        other = f"the number {new.value}" if new.type == "int" else "text"
        meaning = f"the number {old.value} (octal) for YAML 1.1 and {other} for YAML 1.2"
    else:
        meaning = f"text for YAML 1.1 and the number {new.value} for YAML 1.2"
    if not place.is_key and old.type == "int" and _MODE_KEY.search(place.key):
        # Kubernetes takes a file mode as a decimal number only; other tools take the quoted octal text.
        decimal = place.root.get("apiVersion") is not None
        right = str(old.value) if decimal else f"'{text}'"
        return _Verdict(Severity.LOW, f"The file mode {text} is {meaning}.", f"Write {right}.", right)
    return _Verdict(
        Severity.LOW if place.is_key else Severity.MEDIUM,
        f"{text} is {meaning}; as an identifier it loses its leading zero.",
        f"Quote it if it is an identifier, a code or a version: '{text}'.",
        f"'{text}'",
    )


def _number(place: Place, old: Scalar, new: Scalar) -> _Verdict:
    """`1_000`, `0b11`, `0o17`, `1e3`, `+.5`, `-0x1F`: a number in one version and text in the other."""
    text = place.text
    number, version, other = (old, "1.1", "1.2") if old.type != "str" else (new, "1.2", "1.1")
    # A short commit hash, or an identifier, may look like a power of ten; one with `_` may be no thousands.
    identifier = _HASH_LIKE.fullmatch(text) is not None
    as_number = None
    if not place.is_key and not identifier and ("_" not in text or _THOUSANDS.fullmatch(text)):
        as_number = _unambiguous(text, number)
    return _Verdict(
        Severity.MEDIUM if identifier else Severity.LOW,
        f"{text} is the number {_short(number)} for YAML {version} and text for YAML {other}.",
        f'Write {as_number}, or "{text}" if text is meant.' if as_number else f'Quote it if text is meant: "{text}".',
        as_number or f'"{text}"',
    )


def _unambiguous(text: str, number: Scalar) -> str | None:
    """The number as both versions read it, or None when there is no short way."""
    if number.type == "int":
        return str(number.value) if isinstance(number.value, int) and abs(number.value) < 10**20 else None
    found = _DECIMAL.fullmatch(text.replace("_", "").lower())
    if found is None:
        return None
    sign, whole, fraction, exponent_sign, exponent = found.groups()
    written = f"{sign.replace('+', '')}{whole or '0'}.{fraction or '0'}"
    if exponent is not None:
        written += f"e{exponent_sign or '+'}{exponent}"
    same = resolve_plain(written, "1.1") == resolve_plain(written, "1.2") == Scalar("float", number.value)
    return written if same else None


def _short(number: Scalar) -> str:
    if isinstance(number.value, int) and abs(number.value) >= 10**20:
        return "with more than 20 digits"
    return str(number.value)


def _lost_zero(place: Place) -> _Verdict:
    text = place.text
    return _Verdict(
        Severity.MEDIUM,
        f"{place.key} {text} is a number without quotes: it is read as {float(text)!r}, so its last zero is lost.",
        f'Quote it: "{text}".',
        f'"{text}"',
    )


# Findings ---------------------------------------------------------------------------------------------------


def _report(reporter: Reporter, place: Place, verdict: _Verdict, rule_id: str = "yaml/version-difference") -> None:
    span = place.node.span
    message, suggestion = verdict.message, verdict.suggestion
    edits = [(span.start, span.end, verdict.replacement)]
    if not place.is_key and name_class(place.key) and not _BOOL_WORD.fullmatch(place.text):
        # Neither the words nor the edits may hold what is under a secret's name.
        message = "The value is a number for YAML 1.1 or 1.2, and something else for the other."
        suggestion, edits = "Quote it.", [(span.start, span.start, '"'), (span.end, span.end, '"')]
    reporter.report(
        rule_id,
        message,
        span.start,
        span.end,
        severity=verdict.severity,
        tag="wrong-type",
        suggestion=suggestion,
        edits=edits,
        resource=place.key[:80] or None,
    )


def _report_together(
    reporter: Reporter,
    places: list[Place],
    limits: Limits,
    message: str,
    suggestion: str,
    written: Callable[[str], str],
) -> None:
    """One finding for all places of a file: they are many, and seldom a mistake."""
    first = places[0]
    more = f" ({len(places) - 1} more in this file)" if len(places) > 1 else ""
    spans = [(place.node.span, written(place.text)) for place in places[: limits.max_findings]]
    reporter.report(
        "yaml/version-difference",
        f"{message}{more}.",
        first.node.span.start,
        first.node.span.end,
        severity=Severity.INFO,
        tag="wrong-type",
        suggestion=suggestion,
        edits=[(span.start, span.end, text) for span, text in spans],
        resource=first.key[:80] or None,
    )


def _as_boolean(word: str) -> str:
    return "true" if resolve_plain(word, "1.1").value else "false"
