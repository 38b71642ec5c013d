"""Where output goes: results to stdout, everything else to stderr; colours and progress only on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
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
        console.width = 200  # a file or a pipe has no edge to break at
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

    return Text(text, style=styles.get(text, ""))


def plain(text: str) -> Text:
    """Text of any origin for the terminal: never read as markup, and without control characters but line ends."""
    from rich.text import Text

    return Text(printable(text))


def printable(text: str) -> str:
    """The text with every character that a terminal might act upon replaced by a blank; line ends stay."""
    return "".join(character if character.isprintable() or character == "\n" else " " for character in text)


def print_json(data: Any) -> None:
    """JSON on stdout, alone and in one piece."""
    import json
    import sys

    sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False, default=str) + "\n")
