"""Where output goes: results to stdout, everything else to stderr; colours and progress only on a terminal."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

SEVERITY_STYLES = {
    "critical": "bold white on red",
    "high": "bold red",
    "medium": "yellow",
    "low": "cyan",
    "info": "dim",
}
STATUS_STYLES = {
    "succeeded": "green",
    "dry_run": "green",
    "failed": "bold red",
    "crashed": "bold red",
    "timed_out": "red",
    "rolled_back": "yellow",
    "cancelled": "yellow",
    "denied": "yellow",
}


def stdout() -> Console:
    """For results."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=False)
    if not console.is_terminal:
        console.width = 10_000  # a file or a pipe has no edge to break at
    return console


def stderr() -> Console:
    """For progress, notes and errors."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def complain(message: str) -> None:
    """Say on stderr what was wrong. The text may hold anything: it is not read as markup."""
    from rich.text import Text

    stderr().print(Text.assemble(("error: ", "bold red"), printable(message)), soft_wrap=True)


def styled(text: str, styles: dict[str, str]) -> Text:
    """A word in the style that belongs to it; untrusted text stays text."""
    from rich.text import Text

    return Text(printable(text), style=styles.get(text, ""))


def plain(text: str) -> Text:
    """Text of any origin for the terminal: never read as markup, and without control characters but line ends."""
    from rich.text import Text

    return Text(printable(text))


def printable(text: str) -> str:
    """The text with every character that a terminal might act upon replaced by a blank; line ends stay."""
    return "".join(character if character.isprintable() or character == "\n" else " " for character in text)


def one_line(text: str) -> str:
    """The text without line ends either: what stands in a row of its own must not be able to make a second one."""
    return printable(text).replace("\n", " ")


def table(titles: Sequence[str], rows: Iterable[Sequence[str | Text]], right: Collection[str] = ()) -> Table:
    """A table without lines. A cell that is a `str` may hold anything and is shown as it is (see `plain`).

    The columns whose titles are in `right` are aligned to the right, and never broken: they hold numbers.
    """
    from rich.table import Table

    made = Table(box=None, pad_edge=False)
    for title in titles:
        made.add_column(title, justify="right" if title in right else "left", no_wrap=title in right)
    for row in rows:
        made.add_row(*(plain(cell) if isinstance(cell, str) else cell for cell in row))
    return made


# What json.dumps leaves as it is and a terminal acts upon; lone surrogates (odd file names) cannot be written at all.
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def json_text(data: Any, encoding: str = "utf-8") -> str:
    """JSON that can be shown on a terminal and be written in `encoding`, with a line end."""
    import json

    unicode = encoding.lower().replace("-", "").startswith("utf")
    text = json.dumps(data, indent=2, ensure_ascii=not unicode, default=str)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"


def print_json(data: Any) -> None:
    """JSON on stdout, alone and in one piece."""
    import sys

    sys.stdout.write(json_text(data, sys.stdout.encoding or "utf-8"))
    sys.stdout.flush()
