"""The tree as a table: one row a value, for checks that look at columns and not at nodes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from automation_scripts.validation.documents.corpus import Corpus
from automation_scripts.validation.documents.pointing import path_text
from automation_scripts.validation.documents.tree import Kind
from automation_scripts.validation.parsing.scalar_types import resolve, resolve_plain

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 200_000
"""Values beyond this many are left out: the table is for patterns, and those show long before."""
COLUMNS = ("file", "document", "kind", "path", "key", "value", "type", "environment", "line", "column")
FEWEST_ALIKE, FEWEST_FILES, SHARE_ALIKE = 8, 4, 0.85
"""When a path has a usual type: so many values in so many files, and this share of them of one type."""
_TYPES = {"null": "null", "bool": "boolean", "int": "integer", "float": "number"}
_ENVIRONMENT = re.compile(
    r"(?i)(?:^|[^a-z])(production|prod|prd|staging|stage|stg|development|dev|testing|test|qa|uat|preprod)(?=[^a-z]|$)"
)
_ENVIRONMENTS = {"prod": "production", "prd": "production", "stage": "staging", "stg": "staging"} | {
    "dev": "development",
    "testing": "test",
}


def rows_of(corpus: Corpus) -> list[dict[str, Any]]:
    """One plain dict a scalar, in document order; the keys are `COLUMNS`. At most `MOST_ROWS`."""
    rows: list[dict[str, Any]] = []
    for checked in corpus.documents:
        environment = environment_of(checked.file.name)
        for path, key, node in checked.document.root.walk():
            if node.kind is not Kind.SCALAR:
                continue
            if len(rows) >= MOST_ROWS:
                return rows
            rows.append(
                {
                    "file": checked.file.name,
                    "document": checked.document.index,
                    "kind": checked.kind,
                    "path": path_text(path),
                    "key": key.value if key is not None else "",
                    "value": node.value,
                    "type": _TYPES.get(resolve(node).type, "string"),
                    "environment": environment,
                    "line": node.span.line,
                    "column": node.span.column,
                }
            )
    return rows


def flatten(corpus: Corpus) -> pd.DataFrame:
    """The same as a DataFrame."""
    import pandas as pd

    return pd.DataFrame(rows_of(corpus), columns=list(COLUMNS))


def environment_of(name: str) -> str:
    """The environment that a file's path names; empty when it names none."""
    found = _ENVIRONMENT.findall(name)
    return _ENVIRONMENTS.get(found[-1].lower(), found[-1].lower()) if found else ""


def add_derived_columns(frame: pd.DataFrame) -> None:
    """Add what expectations ask about besides the text, in place.

    - `number`: the value as a number where it is one by its type, else NaN.
    - `usual_type`: the type that the same path has in nearly all files of the same kind, where the value is a text that
      only its quotes keep from being of that type; else the value's own type.
    """
    import pandas as pd

    numeric = frame["type"].isin(["integer", "number"])
    numbers = [_number(value) if known else None for value, known in zip(frame["value"], numeric, strict=True)]
    frame["number"] = pd.Series(numbers, index=frame.index, dtype="float64")
    frame["usual_type"] = _usual_types(frame)


def _number(text: str) -> float | None:
    value = resolve_plain(text).value
    return float(value) if isinstance(value, (int, float)) else None


def _usual_types(frame: pd.DataFrame) -> pd.Series[str]:
    usual = frame["type"].copy()
    texts = frame.index[frame["type"] == "string"]
    meant = frame.loc[texts, "value"].map(lambda text: _TYPES.get(resolve_plain(text).type, "string"))
    quoted = meant[meant.isin(["integer", "number", "boolean"])]
    if quoted.empty:
        return usual
    # A kind that is not known is told by the file's name: `config.yaml` of one service is like that of another.
    group = frame["kind"].where(frame["kind"] != "", frame["file"].str.rsplit("/", n=1).str[-1])
    place = group + "\0" + frame["path"].str.replace(r"\[\d+\]", "[*]", regex=True)
    alike = place.groupby(place, sort=False).transform("size")
    asked = frame[(alike >= FEWEST_ALIKE) & place.isin(place[quoted.index])]
    for _, rows in asked.groupby(place[asked.index], sort=False):
        if rows["file"].nunique() < FEWEST_FILES:
            continue
        counts = rows["type"].value_counts()
        for index in rows.index.intersection(quoted.index):
            if counts.get(quoted[index], 0) >= SHARE_ALIKE * len(rows):
                usual[index] = quoted[index]
    return usual
