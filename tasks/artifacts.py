"""What a run leaves in the Prefect UI: a report, a table of findings, and its progress."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from prefect.artifacts import (
    acreate_markdown_artifact,
    acreate_progress_artifact,
    acreate_table_artifact,
    aupdate_progress_artifact,
)


class Progress:
    """A progress bar in the UI.

    Args:
        script_name: whose progress it is.
    """

    def __init__(self, script_name: str) -> None:
        self._name = script_name
        self._identifier: UUID | None = None

    async def show(self, percent: float) -> None:
        """Set it to `percent`, from 0 to 100."""
        if self._identifier is None:
            self._identifier = await acreate_progress_artifact(
                percent, key=_key(self._name, "progress"), description=f"Progress of {self._name}"
            )
        else:
            await aupdate_progress_artifact(self._identifier, percent)


async def publish_report(
    script_name: str, markdown: str, tables: Mapping[str, Sequence[Mapping[str, Any]]]
) -> dict[str, str]:
    """Store the report, and the tables that have rows. Returns their artifact ids by what they are."""
    report = await acreate_markdown_artifact(
        markdown, key=_key(script_name, "report"), description=f"Report of {script_name}"
    )
    artifacts = {"report": str(report)}
    for what, rows in tables.items():
        if rows:
            table = await acreate_table_artifact(
                [dict(row) for row in rows],
                key=_key(script_name, what),
                description=f"{what.capitalize()} of {script_name}",
            )
            artifacts[what] = str(table)
    return artifacts


def _key(script_name: str, what: str) -> str:
    """Prefect allows lower-case letters, digits and dashes."""
    return f"{script_name.replace('_', '-')}-{what}"
