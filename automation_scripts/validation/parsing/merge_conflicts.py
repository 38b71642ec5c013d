"""Unresolved merge conflicts, named as what they are in place of the syntax errors they cause."""

from __future__ import annotations

import re

from automation_scripts.validation.documents.reporting import Reporter
from automation_scripts.validation.documents.tree import ParsedFile
from automation_scripts.validation.input.limits import DEFAULT_LIMITS, Limits
from automation_scripts.validation.input.text import LineIndex
from automation_scripts.validation.parsing.placeholders import SYNTAX_RULES

_MARKER = re.compile(r"(?m)^(?:<{7}(?= |\r?$)|={7}(?=\r?$)|>{7}(?= |\r?$))[^\r\n]*")


def explain_conflicts(parsed: ParsedFile, limits: Limits = DEFAULT_LIMITS) -> None:
    """Report each conflict of a file that cannot be read. In a readable file the marks are ordinary text."""
    if "<<<<<<<" not in parsed.text or not any(f.rule_id in SYNTAX_RULES for f in parsed.findings):
        return
    markers = list(_MARKER.finditer(parsed.text))
    begins = [marker for marker in markers if marker.group().startswith("<")]
    if not begins:
        return
    index = LineIndex(parsed.text)
    first, last = index.position(markers[0].start())[0], index.position(markers[-1].start())[0]
    reporter = Reporter(parsed.name, index, limits)
    # What stands between the marks, and the line that they run on into, cannot be judged.
    reporter.findings = [
        f for f in parsed.findings if f.rule_id not in SYNTAX_RULES or not first <= (f.line or 0) <= last + 1
    ]
    for marker in begins:
        reporter.report(
            "file/merge-conflict",
            f"An unresolved merge conflict begins here ({marker.group()[:60]!r}).",
            marker.start(),
            marker.end(),
            suggestion="Keep one side, and remove the lines with <<<<<<<, ======= and >>>>>>>.",
        )
    parsed.findings[:] = reporter.ordered()
