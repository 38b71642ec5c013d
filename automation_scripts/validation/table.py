"""The tree as a table: one row a value, for checks that look at columns and not at nodes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from automation_scripts.validation.corpus import Corpus
from automation_scripts.validation.pointing import path_text
from automation_scripts.validation.tree import Kind, Style
from automation_scripts.validation.yaml_data import to_data

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 200_000
"""Values beyond this many are left out: the table is for patterns, and those show long before."""
COLUMNS = ("file", "document", "kind", "path", "key", "value", "type", "environment", "line", "column")
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
                    "type": _type(to_data(node)) if node.style is Style.PLAIN else "string",
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


def _type(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "boolean", int: "integer", float: "number"}
    return names.get(type(value), "string")
