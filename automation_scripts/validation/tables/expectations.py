"""Great Expectations over the flattened table. `python -m automation_scripts.validation.tables.expectations` is the same as a
process: `{"rows": […], "suite": {…}, "with_page": false}` as JSON on stdin, the answer as JSON on stdout.

Importing Great Expectations takes about two seconds, so a validation hands its table to a process that has it imported
already (`server.offload`). Input and output are plain data for that reason.
"""

from __future__ import annotations

import contextlib
import fnmatch
import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.tables.suite import FORBIDDEN, NOT_HERE, class_name, load_suite
from automation_scripts.validation.tables.table import add_derived_columns

__all__ = ["load_suite", "main", "rehearse", "validate_rows"]

MOST_FINDINGS = 200
"""Findings of one expectation."""


def validate_rows(
    rows: Sequence[Mapping[str, Any]], suite: Mapping[str, Any], *, with_page: bool = False
) -> dict[str, Any]:
    """Hold the expectations against the rows.

    Returns:
        Plain data: `findings`, every row that an expectation does not hold for, at its file and line
        (`Finding.to_dict()`); `outcomes`, one an expectation that concerned a row: its id, its name, how many values it
        looked at and how many were not as expected; `page`, the data docs as HTML, empty unless asked for.
    """
    import pandas as pd

    frame = pd.DataFrame(list(rows))
    found: list[Finding] = []
    outcomes: list[dict[str, Any]] = []
    results: list[Any] = []
    if not frame.empty:
        add_derived_columns(frame)
        with _ephemeral_context() as context:
            for entry in suite["expectations"]:
                chosen = frame[_selected(frame, entry.get("where") or {})].reset_index(drop=True)
                if chosen.empty:
                    continue
                result, said = _judge(context, chosen, entry)
                found.extend(said)
                outcomes.append(_outcome(entry, len(chosen), result))
                if result is not None:
                    results.append(result)
    page = ""
    if with_page:
        from automation_scripts.validation.tables import data_docs

        page = data_docs.page(results, rows)
    return {"findings": [finding.to_dict() for finding in found], "outcomes": outcomes, "page": page}


def _outcome(entry: Mapping[str, Any], values: int, result: Any) -> dict[str, Any]:
    unexpected = 0 if result is None or result.success else result.result.get("unexpected_count", values)
    return {
        "expectation": entry["id"],
        "what": entry["expect"],
        "values": values,
        "unexpected": unexpected,
        "outcome": "not evaluated" if result is None else "met" if result.success else "not met",
    }


@contextlib.contextmanager
def _ephemeral_context() -> Iterator[Any]:
    """A Great Expectations context that phones nobody, prints nothing, and leaves no folder behind."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    from tqdm import tqdm

    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
    tqdm.monitor_interval = 0  # no thread to watch over progress bars that nobody sees
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix="expectations-") as folder:
        tempfile.tempdir = folder
        try:
            context = gx.get_context(mode="ephemeral")
            context.variables.progress_bars = {"globally": False, "metric_calculations": False}  # type: ignore[assignment]
            yield context
        finally:
            tempfile.tempdir = before


def _selected(frame: Any, where: Mapping[str, str]) -> Any:
    import pandas as pd

    mask = pd.Series(True, index=frame.index)
    for column, globs in where.items():
        negated = str(globs).startswith("!")
        alternatives = str(globs).removeprefix("!").split("|")
        pattern = "|".join(fnmatch.translate(glob.strip()) for glob in alternatives)
        mask &= frame[column].str.fullmatch(pattern).fillna(False) != negated
    return mask


def _judge(context: Any, chosen: Any, entry: Mapping[str, Any]) -> tuple[Any, list[Finding]]:
    """What Great Expectations says of the selected rows: its result, None where there is none, and the findings."""
    from great_expectations import expectations as known

    arguments = entry.get("arguments") or {}
    try:
        if forbidden := [name for name in FORBIDDEN if name in arguments]:
            raise ValueError(f"`{forbidden[0]}` is not allowed; choose the rows with `where`")
        name = class_name(entry["expect"])
        if name is None or name in NOT_HERE:
            raise ValueError(f"there is no expectation '{entry['expect']}' here")
        expectation = getattr(known, name)(**arguments)
        batch = (
            context.data_sources.add_pandas(entry["id"])
            .add_dataframe_asset("values")
            .add_batch_definition_whole_dataframe("all")
            .get_batch(batch_parameters={"dataframe": chosen})
        )
        result = batch.validate(expectation, result_format={"result_format": "COMPLETE"})
    except Exception as error:
        return None, [_unusable(entry, f"{type(error).__name__}: {error}")]
    if not result.success and (said := _raised(result.exception_info)):
        return None, [_unusable(entry, said)]
    return result, list(_unmet(result, chosen, entry))


def _unmet(result: Any, chosen: Any, entry: Mapping[str, Any]) -> Iterator[Finding]:
    if result.success:
        return
    indexes = result.result.get("unexpected_index_list")
    if not indexes:
        yield _of_the_table(chosen, entry)
        return
    for index in indexes[:MOST_FINDINGS]:
        yield _of_a_row(chosen.iloc[index if isinstance(index, int) else index["index"]], entry)
    if len(indexes) > MOST_FINDINGS:
        yield _about_the_rest(len(indexes) - MOST_FINDINGS, entry)


def _raised(info: Mapping[str, Any] | None) -> str | None:
    """What went wrong inside Great Expectations, which tells it once for the whole or once for each metric."""
    reports = [info, *info.values()] if info else []
    for report in reports:
        if isinstance(report, Mapping) and report.get("raised_exception"):
            return str(report.get("exception_message"))
    return None


def _of_a_row(row: Any, entry: Mapping[str, Any]) -> Finding:
    values = {"path": row["path"], "value": row["value"][:80], "key": row["key"], "file": row["file"]}
    values["usual_type"] = row["usual_type"]
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


def _about_the_rest(count: int, entry: Mapping[str, Any]) -> Finding:
    return Finding(
        rule_id=f"expectation/{entry['id']}",
        severity=Severity.INFO,
        message=f"{count} more values break the expectation '{entry['id']}'; they are not listed.",
        suggestion="Mend the listed ones and run again.",
        tags=(entry.get("tag", "invalid-value"),),
    )


def _unusable(entry: Mapping[str, Any], said: str) -> Finding:
    return Finding(
        rule_id=f"expectation/{entry['id']}",
        severity=Severity.MEDIUM,
        message=f"The expectation '{entry['id']}' cannot be evaluated: {' '.join(said.split())[:300]}",
        suggestion="Check its name and its arguments against the gallery of Great Expectations.",
        tags=("invalid-value",),
    )


def _filled(template: str, values: Mapping[str, str]) -> str:
    """`{name}` replaced; anything else in braces is left alone, and the values are never read as templates."""
    return re.sub(r"\{(\w+)\}", lambda found: str(values.get(found[1], found[0])), template)


def rehearse() -> None:
    """Validate one value that breaks an expectation, so that everything that is needed for it has been imported."""
    row = {"path": "port", "key": "port", "value": "-1", "type": "integer", "line": 1, "column": 1, "document": 0}
    validate_rows([{**row, "file": "", "kind": "", "environment": ""}], load_suite(None))


def main() -> None:
    """Read the work from stdin and write the findings to stdout."""
    import json

    # Whatever a library prints must not get between the caller and the answer.
    answer, sys.stdout = sys.stdout, sys.stderr
    logging.disable(logging.CRITICAL)
    work = json.load(sys.stdin)
    json.dump(validate_rows(work["rows"], work["suite"], with_page=work.get("with_page", False)), answer)
    answer.flush()


if __name__ == "__main__":
    main()
