"""Great Expectations over the flattened table. `python -m automation_scripts.validation.expectations` is the same as a
process: `{"rows": […], "suite": {…}}` as JSON on stdin, the findings as JSON on stdout.

Importing Great Expectations takes about two seconds, so a validation hands its table to a process that has it imported
already (`server.offload`). Input and output are plain data for that reason.
"""

from __future__ import annotations

import fnmatch
import logging
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from automation_scripts.errors import InvalidParameters
from automation_scripts.results import Finding, Severity
from automation_scripts.suggest import nearest
from automation_scripts.validation.tree import Kind, Node

BUILT_IN = Path(__file__).parent / "expectations.yaml"
KEYS = ("id", "expect", "where", "arguments", "severity", "tag", "message", "suggestion")
WHERE = ("file", "kind", "path", "key", "type", "environment")
MOST_FINDINGS = 200
"""Findings of one expectation."""
_CLASS = re.compile(r"Expect[A-Z][A-Za-z0-9]*")
_SNAKE = re.compile(r"expect_[a-z0-9_]+")


def load_suite(path: Path | None) -> dict[str, Any]:
    """The built-in suite, with the caller's expectations added; one with the same id replaces a built-in one.

    Raises:
        InvalidParameters: the file cannot be read or used; one line a problem, with file, line and key.
    """
    suites = [_read(BUILT_IN)] + ([_read(path)] if path else [])
    merged = {entry["id"]: entry for suite in suites for entry in suite}
    return {"expectations": list(merged.values())}


def validate_rows(rows: Sequence[Mapping[str, Any]], suite: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every row that an expectation does not hold for, as a finding (`Finding.to_dict()`) at its file and line."""
    import pandas as pd

    frame = pd.DataFrame(list(rows))
    if frame.empty:
        return []
    frame["number"] = pd.to_numeric(frame["value"].where(frame["type"].isin(["integer", "number"])), errors="coerce")
    found: list[Finding] = []
    for entry in suite["expectations"]:
        chosen = frame[_selected(frame, entry.get("where") or {})].reset_index(drop=True)
        if not chosen.empty:
            found.extend(_judge(chosen, entry))
    return [finding.to_dict() for finding in found]


def _selected(frame: Any, where: Mapping[str, str]) -> Any:
    import pandas as pd

    mask = pd.Series(True, index=frame.index)
    for column, globs in where.items():
        pattern = "|".join(fnmatch.translate(glob.strip()) for glob in str(globs).split("|"))
        mask &= frame[column].str.fullmatch(pattern).fillna(False)
    return mask


def _judge(chosen: Any, entry: Mapping[str, Any]) -> Iterator[Finding]:
    """What Great Expectations says of the selected rows."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
    import great_expectations as gx
    from great_expectations import expectations as known

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}  # type: ignore[assignment]
    try:
        expectation = getattr(known, _class_name(entry["expect"]))(**(entry.get("arguments") or {}))
        batch = (
            context.data_sources.add_pandas("configuration")
            .add_dataframe_asset("values")
            .add_batch_definition_whole_dataframe("all")
            .get_batch(batch_parameters={"dataframe": chosen})
        )
        result = batch.validate(expectation, result_format={"result_format": "COMPLETE"})
    except Exception as error:
        yield _unusable(entry, error)
        return
    if result.exception_info and result.exception_info.get("raised_exception"):
        yield _unusable(entry, RuntimeError(str(result.exception_info.get("exception_message"))))
    elif not result.success:
        indexes = result.result.get("unexpected_index_list")
        if indexes is None:
            yield _of_the_table(chosen, entry)
            return
        for index in indexes[:MOST_FINDINGS]:
            yield _of_a_row(chosen.iloc[index if isinstance(index, int) else index["index"]], entry)


def _of_a_row(row: Any, entry: Mapping[str, Any]) -> Finding:
    values = {"path": row["path"], "value": row["value"][:80], "key": row["key"], "file": row["file"]}
    template = entry.get("message") or "{path} is {value}: " + entry["id"]
    return Finding(
        rule_id=f"expectation/{entry['id']}",
        severity=Severity(entry.get("severity", "medium")),
        message=_filled(template, values),
        file=row["file"],
        line=int(row["line"]),
        column=int(row["column"]),
        resource=row["path"],
        suggestion=entry.get("suggestion"),
        tags=(entry.get("tag", "invalid-value"),),
    )


def _of_the_table(chosen: Any, entry: Mapping[str, Any]) -> Finding:
    return Finding(
        rule_id=f"expectation/{entry['id']}",
        severity=Severity(entry.get("severity", "medium")),
        message=_filled(entry.get("message") or "{expect} does not hold", {"expect": entry["expect"]})
        + f" ({len(chosen)} values)",
        suggestion=entry.get("suggestion"),
        tags=(entry.get("tag", "invalid-value"),),
    )


def _unusable(entry: Mapping[str, Any], error: Exception) -> Finding:
    return Finding(
        rule_id=f"expectation/{entry['id']}",
        severity=Severity.MEDIUM,
        message=f"The expectation '{entry['id']}' cannot be evaluated: {type(error).__name__}: {str(error)[:300]}",
        suggestion="Check its name and its arguments against the gallery of Great Expectations.",
        tags=("invalid-value",),
    )


def _filled(template: str, values: Mapping[str, str]) -> str:
    """`{name}` replaced; anything else in braces is left alone, and the values are never read as templates."""
    return re.sub(r"\{(\w+)\}", lambda found: str(values.get(found[1], found[0])), template)


def _class_name(name: str) -> str:
    return name if _CLASS.fullmatch(name) else "".join(part.capitalize() for part in name.split("_"))


# Reading a suite


def _read(path: Path) -> list[dict[str, Any]]:
    from automation_scripts.validation.parsing import parse_file
    from automation_scripts.validation.yaml_data import to_data

    if not path.is_file():
        raise InvalidParameters(f"expectations_path: {path} is no file. Give a YAML file with `expectations:`.")
    parsed = parse_file(path, str(path))
    broken = [f for f in parsed.findings if f.severity.at_least(Severity.HIGH)]
    if broken or not parsed.documents:
        said = f"{path}:{broken[0].line}: {broken[0].message}" if broken else f"{path}: the file is empty"
        raise InvalidParameters(f"expectations_path: {said}")
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
        yield from _entry_problems(entry, path, seen)


def _entry_problems(entry: Node, path: Path, seen: dict[str, int]) -> Iterator[str]:
    for key, value in entry.entries:
        if key.value not in KEYS:
            guess = nearest(key.value, KEYS)
            hint = f" Did you mean '{guess}'?" if guess else ""
            yield f"{path}:{key.span.line}: unknown key '{key.value}'.{hint} Known: {', '.join(KEYS)}."
        elif key.value in ("where", "arguments") and value.resolved().kind is not Kind.MAP:
            yield f"{path}:{key.span.line}: `{key.value}` is a mapping."
        elif key.value == "where":
            for column, _ in value.resolved().entries:
                if column.value not in WHERE:
                    yield f"{path}:{column.span.line}: `where` knows {', '.join(WHERE)}, not '{column.value}'."
        elif key.value == "severity" and value.resolved().value not in list(Severity):
            yield f"{path}:{value.span.line}: severity is one of {', '.join(Severity)}."
    identifier, expect = entry.get("id"), entry.get("expect")
    if identifier is None or identifier.kind is not Kind.SCALAR or not identifier.value:
        yield f"{path}:{entry.span.line}: an expectation needs an `id`."
    elif identifier.value in seen:
        yield f"{path}:{identifier.span.line}: the id '{identifier.value}' stands in line {seen[identifier.value]} too."
    else:
        seen[identifier.value] = identifier.span.line
    if expect is None or not (_CLASS.fullmatch(expect.value) or _SNAKE.fullmatch(expect.value)):
        line = (expect or entry).span.line
        yield f"{path}:{line}: `expect` names an expectation, such as ExpectColumnValuesToBeBetween."


def main() -> None:
    """Read the work from stdin and write the findings to stdout."""
    import json

    # Whatever a library prints must not get between the caller and the answer.
    answer, sys.stdout = sys.stdout, sys.stderr
    work = json.load(sys.stdin)
    json.dump(validate_rows(work["rows"], work["suite"]), answer)
    answer.flush()


if __name__ == "__main__":
    main()
