"""The findings as one HTML page that needs nothing else: no network, no other file.

Text from the checked files is escaped; the page's policy (Content Security Policy Level 3) lets only its own script run.
Lines of a file are shown only as the correction of a finding, and never where the finding is about a secret.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from automation_scripts.results import Finding
from automation_scripts.validation.documents.edits import apply_edits
from automation_scripts.validation.input.text import LineIndex
from automation_scripts.validation.report import Report, plain
from automation_scripts.validation.values.secret_words import name_class

if TYPE_CHECKING:
    from automation_scripts.validation.documents.tree import ParsedFile

_TEMPLATE = Path(__file__).parent / "report.html.j2"
_SECRET_CLASSES = frozenset({"hardcoded-secret", "secret-env"})
_MOST_LINES = 8
_SCRIPT = """
const rows = [...document.querySelectorAll("tr[data-rank]")];
const filter = () => {
  const rank = +document.getElementById("severity").value, kind = document.getElementById("class").value;
  const words = document.getElementById("text").value.toLowerCase();
  let shown = 0;
  for (const row of rows) {
    const text = (row.closest("section").querySelector("h2").textContent + " " + row.textContent).toLowerCase();
    row.hidden = +row.dataset.rank < rank || (kind && row.dataset.class !== kind) || !text.includes(words);
    shown += row.hidden ? 0 : 1;
  }
  for (const section of document.querySelectorAll("section"))
    section.hidden = !section.querySelector("tr[data-rank]:not([hidden])");
  document.getElementById("shown").textContent = shown + " of " + rows.length;
};
document.getElementById("filter").addEventListener("input", filter);
document.getElementById("filter").addEventListener("submit", event => event.preventDefault());
filter();
"""


def html(
    report: Report,
    files: Sequence[ParsedFile],
    *,
    title: str,
    made_at: datetime,
    left_out: int = 0,
) -> str:
    """The page.

    Args:
        report: what was found.
        files: the files as they were read; corrections are shown as lines of them.
        title: what was validated, such as the folder.
        made_at: when, in UTC.
        left_out: accepted findings that the report does not hold.
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters["plain"] = plain
    by_file = [
        (file, list(group)) for file, group in groupby(report.findings, key=lambda finding: plain(finding.file or ""))
    ]
    texts = {file.name: file for file in files}
    secret_lines = {
        (finding.file, finding.line) for finding in report.findings if _SECRET_CLASSES.intersection(finding.tags)
    }
    classes = Counter(finding.tags[0] for finding in report.findings if finding.tags).most_common()
    most = classes[0][1] if classes else 1
    return environment.from_string(_TEMPLATE.read_text("utf-8")).render(
        title=plain(title),
        made_at=f"{made_at:%Y-%m-%d %H:%M} UTC",
        files=report.files,
        left_out=left_out,
        severities=list(report.by_severity().items()),
        fixable=sum(bool(finding.fix) for finding in report.findings),
        classes=[(name, count, round(100 * count / most, 1)) for name, count in classes],
        by_file=by_file,
        diffs={
            f"{number}{file}": _diff(finding, texts, secret_lines)
            for file, findings in by_file
            for number, finding in enumerate(findings)
        },
        script=_SCRIPT,
        script_hash=base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode(),
    )


def _diff(
    finding: Finding, files: Mapping[str, ParsedFile], secret_lines: set[tuple[str | None, int | None]]
) -> list[tuple[str, str]]:
    """The lines that the finding's correction takes away (`-`) and brings (`+`); none where they may hold a secret."""
    if not finding.fix or _SECRET_CLASSES.intersection(finding.tags) or name_class(finding.resource or ""):
        return []
    name = finding.fix[0].file
    if name not in files or any(edit.file != name for edit in finding.fix):
        return []
    text = files[name].text
    first, last = min(e.start_line for e in finding.fix), max(e.end_line for e in finding.fix)
    if last - first >= _MOST_LINES or any((name, line) in secret_lines for line in range(first, last + 1)):
        return []
    index = LineIndex(text)
    start, end = index.line_start(first), index.line_start(last) + len(index.line_text(last))
    try:
        after = apply_edits(text, finding.fix)
    except ValueError:
        return []
    return [
        *(("-", line) for line in text[start:end].splitlines()),
        *(("+", line) for line in after[start : len(after) - (len(text) - end)].splitlines()),
    ]
