"""Suites of expectations: the built-in one, and the caller's own in the same form, checked before anything runs.

Nothing here imports Great Expectations, which takes seconds: the names of its gallery are listed below.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from automation_scripts.errors import InvalidParameters
from automation_scripts.results import Severity
from automation_scripts.suggest import nearest
from automation_scripts.validation.documents.tree import Kind, Node

BUILT_IN = Path(__file__).parent / "expectations.yaml"
KEYS = ("id", "expect", "where", "arguments", "severity", "tag", "message", "suggestion")
WHERE = ("file", "kind", "path", "key", "type", "environment")
FORBIDDEN = ("row_condition", "condition_parser")
"""Arguments that pandas evaluates as Python. A suite is data and must not run code; `where` selects rows instead."""
_GALLERY = """
ColumnDistinctValuesToBeInSet ColumnDistinctValuesToContainSet ColumnDistinctValuesToEqualSet
ColumnKLDivergenceToBeLessThan ColumnMaxToBeBetween ColumnMeanToBeBetween ColumnMedianToBeBetween
ColumnMinToBeBetween ColumnMostCommonValueToBeInSet ColumnPairValuesAToBeGreaterThanB ColumnPairValuesToBeEqual
ColumnPairValuesToBeInSet ColumnProportionOfNonNullValuesToBeBetween ColumnProportionOfUniqueValuesToBeBetween
ColumnQuantileValuesToBeBetween ColumnStdevToBeBetween ColumnSumToBeBetween ColumnToExist ColumnTypeToBe
ColumnUniqueValueCountToBeBetween ColumnValueLengthsToBeBetween ColumnValueLengthsToEqual
ColumnValueZScoresToBeLessThan ColumnValuesToBeBetween ColumnValuesToBeDateutilParseable
ColumnValuesToBeDecreasing ColumnValuesToBeInSet ColumnValuesToBeInTypeList ColumnValuesToBeIncreasing
ColumnValuesToBeJsonParseable ColumnValuesToBeNull ColumnValuesToBeOfType ColumnValuesToBeUnique
ColumnValuesToMatchLikePattern ColumnValuesToMatchLikePatternList ColumnValuesToMatchRegex
ColumnValuesToMatchRegexList ColumnValuesToMatchStrftimeFormat ColumnValuesToNotBeInSet ColumnValuesToNotBeNull
ColumnValuesToNotBeOutliers ColumnValuesToNotMatchLikePattern ColumnValuesToNotMatchLikePatternList
ColumnValuesToNotMatchRegex ColumnValuesToNotMatchRegexList CompoundColumnsToBeUnique MulticolumnSumToEqual
MulticolumnValuesToBeEqual MulticolumnValuesToBeUnique SelectColumnValuesToBeUniqueWithinRecord
TableColumnCountToBeBetween TableColumnCountToEqual TableColumnsToMatchOrderedList TableColumnsToMatchSet
TableRowCountToBeBetween TableRowCountToEqual
"""
NAMES = frozenset(f"Expect{name}" for name in _GALLERY.split())
"""The gallery of Great Expectations 1.24, without what needs a database or may load a schema from the network."""
NOT_HERE = {
    "ExpectColumnValuesToMatchJsonSchema": "use the parameter `schema_path` for JSON Schemas",
    "ExpectQueryResultsToMatchComparison": "it needs a database",
    "ExpectTableRowCountToEqualOtherTable": "it needs a second table",
}
_BY_FOLDED = {name.lower(): name for name in (*NAMES, *NOT_HERE)}


def load_suite(path: Path | None) -> dict[str, Any]:
    """The built-in suite, with the caller's expectations added; one with the same id replaces a built-in one.

    Raises:
        InvalidParameters: the file cannot be read or used; one line a problem, with file, line and key.
    """
    suites = [_read(BUILT_IN)] + ([_read(path)] if path else [])
    merged = {entry["id"]: entry for suite in suites for entry in suite}
    return {"expectations": list(merged.values())}


def class_name(name: str) -> str | None:
    """The class in the gallery that `name` means, as a class name or in snake case; None when there is none."""
    known = _BY_FOLDED.get(name.replace("_", "").lower())
    return known if known and (name == known or name == name.lower()) else None


def _read(path: Path) -> list[dict[str, Any]]:
    from automation_scripts.validation.parsing.files import parse_file
    from automation_scripts.validation.parsing.yaml_data import to_data

    if not path.is_file():
        raise InvalidParameters(f"expectations_path: {path} is no file. Give a YAML file with `expectations:`.")
    parsed = parse_file(path, str(path))
    broken = [f for f in parsed.findings if f.severity.at_least(Severity.HIGH)]
    if broken or not parsed.documents:
        said = f"{path}:{broken[0].line}: {broken[0].message}" if broken else f"{path}: the file is empty"
        raise InvalidParameters(f"expectations_path: {said} Write `expectations:` with a list.")
    root = parsed.documents[0].root.resolved()
    problems = list(_problems(root, path))
    if problems:
        raise InvalidParameters("\n".join(problems))
    data: dict[str, Any] = to_data(root)
    return list(data["expectations"])


def _problems(root: Node, path: Path) -> Iterator[str]:
    entries = root.get("expectations") if root.kind is Kind.MAP else None
    if entries is None or entries.kind is not Kind.SEQ:
        yield f"{path}:{root.span.line}: expected a key `expectations` with a list of expectations."
        return
    for key, _ in root.entries:
        if key.value != "expectations":
            yield f"{path}:{key.span.line}: unknown key '{key.value}'. Known: expectations."
    seen: dict[str, int] = {}
    for entry in (child.resolved() for child in entries.children):
        if entry.kind is not Kind.MAP:
            yield f"{path}:{entry.span.line}: an expectation is a mapping with {', '.join(KEYS)}."
            continue
        for line, said in (*_key_problems(entry), *_id_problems(entry, seen), *_name_problems(entry)):
            yield f"{path}:{line}: {said}"


def _key_problems(entry: Node) -> Iterator[tuple[int, str]]:
    from automation_scripts.validation.documents.classes import CLASSES

    for key, value in ((key, value.resolved()) for key, value in entry.entries):
        line = key.span.line
        if key.value not in KEYS:
            yield line, _unknown(key.value, KEYS)
        elif key.value in ("where", "arguments"):
            if value.kind is not Kind.MAP:
                yield line, f"`{key.value}` is a mapping."
            else:
                yield from _where_problems(value) if key.value == "where" else _argument_problems(value)
        elif value.kind is not Kind.SCALAR:
            yield line, f"`{key.value}` is a text."
        elif key.value == "severity" and value.value not in list(Severity):
            yield line, f"severity is one of {', '.join(Severity)}, not '{value.value}'."
        elif key.value == "tag" and value.value not in CLASSES:
            guess = nearest(value.value, CLASSES)
            hint = f" Did you mean '{guess}'?" if guess else f" It is one of {', '.join(CLASSES)}."
            yield line, f"there is no tag '{value.value}'.{hint}"


def _where_problems(where: Node) -> Iterator[tuple[int, str]]:
    for column, glob in where.entries:
        if column.value not in WHERE:
            guess = nearest(column.value, WHERE)
            hint = f" Did you mean '{guess}'?" if guess else ""
            yield column.span.line, f"`where` knows {', '.join(WHERE)}, not '{column.value}'.{hint}"
        elif glob.resolved().kind is not Kind.SCALAR:
            yield column.span.line, f"`where.{column.value}` is a glob; separate alternatives with `|`."


def _argument_problems(arguments: Node) -> Iterator[tuple[int, str]]:
    for key, _ in arguments.entries:
        if key.value in FORBIDDEN:
            yield key.span.line, f"the argument '{key.value}' would run code. Choose the rows with `where`."


def _id_problems(entry: Node, seen: dict[str, int]) -> Iterator[tuple[int, str]]:
    identifier = entry.get("id")
    if identifier is None or identifier.kind is not Kind.SCALAR or not identifier.value:
        yield entry.span.line, "an expectation needs an `id`."
    elif identifier.value in seen:
        yield identifier.span.line, f"the id '{identifier.value}' stands in line {seen[identifier.value]} too."
    else:
        seen[identifier.value] = identifier.span.line


def _name_problems(entry: Node) -> Iterator[tuple[int, str]]:
    expect = entry.get("expect")
    if expect is None or expect.kind is not Kind.SCALAR:
        line = (expect or entry).span.line
        yield line, "`expect` names an expectation, such as ExpectColumnValuesToBeBetween."
        return
    known = class_name(expect.value)
    if known is None:
        # Compared without case and underscores, so that both spellings find their neighbour.
        guess = nearest(expect.value.replace("_", "").lower(), _BY_FOLDED)
        folded = _BY_FOLDED.get(expect.value.replace("_", "").lower())
        near = folded or (_BY_FOLDED[guess] if guess else None)
        hint = f" Did you mean '{near}'?" if near else " See the gallery of Great Expectations."
        yield expect.span.line, f"`expect` names no expectation: '{expect.value}'.{hint}"
    elif known in NOT_HERE:
        yield expect.span.line, f"'{known}' cannot be used here: {NOT_HERE[known]}."


def _unknown(key: str, known: tuple[str, ...]) -> str:
    guess = nearest(key, known)
    hint = f" Did you mean '{guess}'?" if guess else ""
    return f"unknown key '{key}'.{hint} Known: {', '.join(known)}."
