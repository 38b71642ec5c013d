"""Names in policy files are compared exactly, so those that only look like another are refused here."""

from __future__ import annotations

import re
from collections.abc import Collection

from automation_scripts.governance.names import as_seen
from automation_scripts.governance.policy.problems import printable
from automation_scripts.settings.problems import shortened
from automation_scripts.suggest import nearest

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


def fault(name: object, what: str, known: Collection[str] | None = None) -> str | None:
    """What is wrong with a name, with the nearest known one; None when it may stand.

    Args:
        name: as it was written.
        what: the kind of thing, e.g. `environment`.
        known: the names there are; None when this one may be new.
    """
    if not isinstance(name, str):
        return f"{printable(name)} is not the name of {_a(what)}; write the name, in quotes if it looks like a number"
    if known is not None and name in known:
        return None
    if known is None and _NAME.fullmatch(name):
        return None
    guess = next((k for k in known or () if as_seen(k) == as_seen(name)), None) or nearest(as_seen(name), known or ())
    shown = printable(repr(shortened(name)))
    if not _NAME.fullmatch(name):
        hint = f"; did you mean {guess}?" if guess else _plain_hint(name)
        return (
            f"{shown} is not a plain name of {_a(what)}{hint} Names are up to 64 letters, digits, dots, dashes and "
            "underscores, compared exactly"
        )
    there_are = ", ".join(known or ()) or "none"
    return f"unknown {what} {shown}{f'; did you mean {guess}?' if guess else '.'} Known: {there_are}"


def _plain_hint(name: str) -> str:
    visible = as_seen(name)
    return f"; write {visible}." if visible != name and _NAME.fullmatch(visible) else "."


def _a(what: str) -> str:
    return f"{'an' if what[:1] in 'aeiou' else 'a'} {what}"
