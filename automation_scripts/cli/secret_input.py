"""Passwords and codes from a terminal without echo, or a line each from standard input; never from the command line."""

from __future__ import annotations

import sys

_LONGEST = 4096
_TRIES = 3


def on_terminal() -> bool:
    """Whether somebody sits there who can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(prompt: str) -> str:
    """What was typed, without echo. The end of the input counts as an interruption."""
    import getpass

    from automation_scripts.cli.console import one_line

    try:
        return getpass.getpass(f"{one_line(prompt)}: ", stream=sys.stderr)
    except EOFError:
        raise KeyboardInterrupt from None


def ask_name(prompt: str, default: str | None) -> str:
    """What was typed, with echo."""
    import typer

    try:
        asked: str = typer.prompt(prompt, default=default, err=True)
    except typer.Abort:
        raise KeyboardInterrupt from None
    return asked.strip()


def confirmed(question: str) -> bool:
    """Whether the answer was yes, which Enter alone is too."""
    import typer

    try:
        return typer.confirm(question, default=True, err=True)
    except typer.Abort:
        raise KeyboardInterrupt from None


def ask_code(user: str, *, optional: bool = False) -> str | None:
    """The code that was typed; None for an empty line, and where nobody can be asked."""
    if not on_terminal():
        return None
    hint = " (Enter when there is none)" if optional else ""
    return ask(f"One-time or recovery code of {user}{hint}").strip() or None


def password(what: str, *, from_stdin: bool) -> str:
    """A password that exists already.

    Args:
        what: what the prompt and messages call it.
        from_stdin: the next line of standard input is it.

    Raises InvalidParameters when there is neither a terminal nor a line.
    """
    if from_stdin:
        return _line(what)
    _require_terminal(what)
    return ask(what)


def new_password(user: str, *, from_stdin: bool) -> str:
    """A password to be set: at a terminal it is asked for twice, and again when it cannot be used.

    Raises InvalidParameters, without the password in it.
    """
    from automation_scripts.cli.console import complain
    from automation_scripts.errors import InvalidParameters
    from automation_scripts.governance.identity.passwords import check_password

    what = f"New password of {user}"
    if from_stdin:
        chosen = _line(what)
        check_password(chosen, user=user)
        return chosen
    _require_terminal(what)
    for left in reversed(range(_TRIES)):
        try:
            chosen = ask(what)
            check_password(chosen, user=user)
            if ask("The same again") == chosen:
                return chosen
            raise InvalidParameters("The two are not the same. Type the same password twice.")
        except InvalidParameters as error:
            if not left:
                raise
            complain(str(error))
    raise AssertionError("unreachable: the last try returns or raises")


def _require_terminal(what: str) -> None:
    from automation_scripts.errors import InvalidParameters

    if not on_terminal():
        raise InvalidParameters(
            f"{what}: there is no terminal to ask on. Give --password-stdin, and the password on standard input."
        )


def _line(what: str) -> str:
    from automation_scripts.errors import InvalidParameters

    line = sys.stdin.readline(_LONGEST + 1)
    if not line.strip("\r\n"):
        raise InvalidParameters(f"{what}: standard input has no line for it. Write one line for each password.")
    return line.rstrip("\r\n")
