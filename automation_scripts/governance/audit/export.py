"""The audit log as lines of text for other systems."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Literal

from automation_scripts.governance.audit.records import Entry

Format = Literal["jsonl", "ocsf", "syslog"]
FORMATS: tuple[Format, ...] = ("jsonl", "ocsf", "syslog")


def export(entries: Iterable[Entry], form: Format) -> Iterator[str]:
    """One line an entry, without its end: the canonical JSON as stored, an OCSF event, or an RFC 5424 message."""
    if form == "jsonl":
        for entry in entries:
            yield entry.raw.decode("utf-8", "replace").replace("\n", " ")
    elif form == "ocsf":
        from automation_scripts.governance.audit.ocsf import to_ocsf

        for entry in entries:
            yield json.dumps(to_ocsf(entry), ensure_ascii=False, separators=(",", ":"))
    else:
        from automation_scripts.governance.audit.syslog import to_syslog

        for entry in entries:
            yield to_syslog(entry)
