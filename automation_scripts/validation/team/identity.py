"""What makes a finding the same finding tomorrow: its rule, its file, its place in the document and its sentence.

Messages may name lines (`the first value of line 158`, `values.yaml:12`), and paths count list items. Lines shift with
every edit above, so they are taken out; items and counts shift with edits beside, so a looser form lacks them too.
"""

from __future__ import annotations

import hashlib
import re

from automation_scripts.results import Finding

_LINES = re.compile(r"\b([Ll]ines?) \d+(?:(?:, | and | to |-)\d+)*")
# Only after a file's name: `nginx:1.25`, `db:5432` and `22:22` are values.
_SENTENCE_END = re.compile(r"\.(?:\s|$)")
_FILE_LINE = re.compile(r"(\.(?:ya?ml|jsonc?|env)):\d+(?::\d+)?(?!\w|\.\w)")
_ITEM = re.compile(r"\[\d+\]")
_COUNT = re.compile(
    r"\b\d+(?= (?:of \d+|more|others?|times|files?|documents?|findings|services?|places?)\b)|(?<= of )\d+"
)


def stable_message(message: str) -> str:
    """A sentence without the numbers of lines."""
    return _FILE_LINE.sub(r"\1", _LINES.sub(r"\1", message))


def sentence_of(finding: Finding) -> str:
    """What a finding says, without what changes when nothing about it does.

    An outlier tells its evidence, counts and examples from all over the tree: only its first sentence is its own.
    """
    message = stable_message(finding.message)
    return loose(_SENTENCE_END.split(message, maxsplit=1)[0]) if "outlier" in finding.tags else message


def fingerprint(finding: Finding, file: str | None = None) -> str:
    """32 hexadecimal digits that stay when lines shift. `file` is what to call the file, if not `finding.file`."""
    name = (finding.file or "") if file is None else file
    identity = "\0".join((finding.rule_id, name, finding.resource or "", sentence_of(finding)))
    return hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def loose(text: str) -> str:
    """A path or a stable message without the numbers of list items and without counts."""
    return _COUNT.sub("#", _ITEM.sub("[]", text))
