"""Why the database cannot be used, in words: what is wrong, where, and what to do next."""

from __future__ import annotations

from sqlalchemy import exc

from automation_scripts.storage.subject import RUN_HISTORY, Subject

# SQLite's result codes, https://www.sqlite.org/rescode.html; the longest matching start wins.
_SQLITE = {
    "SQLITE_FULL": ("the disk is full", "Free some space there, then start again"),
    "SQLITE_READONLY": ("it is read-only", "Make the file and its folder writable for this user"),
    "SQLITE_PERM": ("access is denied", "Make the file and its folder readable and writable for this user"),
    "SQLITE_CANTOPEN": (
        "it cannot be opened",
        "Check that the folder exists and that this user may write to it",
    ),
    "SQLITE_NOTADB": (
        "it is not a SQLite database",
        "Check the {setting}, or move the file away: then {without}",
    ),
    "SQLITE_CORRUPT": (
        "the file is damaged",
        "Move it away and restore a backup, or save what is left with `sqlite3 FILE .recover`; "
        "without either {without}",
    ),
    "SQLITE_IOERR": ("the disk reported an error", "Check free space, quotas and the health of the disk"),
    "SQLITE_TOOBIG": ("a value is too large", "Shorten the parameters or the result of the run"),
    "SQLITE_ERROR": (
        "its tables are not those of a {name}",
        "Check that the {setting} names the right file",
    ),
}
# PostgreSQL's SQLSTATE classes and codes, appendix A of its manual; the longest matching start wins.
_POSTGRES = {
    "08": ("the connection was lost", "Check that the server runs and can be reached"),
    "28": ("the server refused the user or the password", "Check user and password in the {setting}"),
    "3D000": (
        "the database does not exist",
        "Create it with `createdb`, or check the name in the {setting}",
    ),
    "42501": (
        "the user lacks the right to do this",
        "Grant the user CREATE on the schema and rights on its tables",
    ),
    "42P01": ("a table is missing", "Check the search_path of the {setting}, or restore a backup"),
    "42P07": (
        "it already holds a table of that name which is not ours",
        "Give the {name} a database of its own, or a schema with ?options=-csearch_path%3Dautomation",
    ),
    "53100": ("the disk is full", "Free some space on the server"),
    "53300": ("the server has no free connection", "Raise max_connections or put a pooler in front of it"),
    "57": ("the server is shutting down or starting", "Try again once it is ready"),
    "55P03": ("a lock was not granted", "Look for a long transaction in pg_stat_activity"),
    "25006": ("it is read-only", "Use the primary server, not a standby"),
}


def explain(error: Exception, place: str, busy_timeout_s: float, subject: Subject = RUN_HISTORY) -> str:
    """One message for an error of SQLAlchemy, of the driver below it, or of the operating system."""
    if isinstance(error, exc.TimeoutError):
        what, advice = "all of its connections are in use", "Run fewer things at once, or try again"
        return _message(subject, place, what, advice, "")
    if isinstance(error, OSError):
        advice = "Check that the path is right and that this user may create files there"
        return _message(subject, place, (error.strerror or str(error)).lower(), advice, "")
    cause = error.orig if isinstance(error, exc.DBAPIError) and error.orig is not None else error
    name = getattr(cause, "sqlite_errorname", None)
    if name and name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        what = f"another process has kept it locked for more than {busy_timeout_s:g} s"
        return _message(subject, place, what, f"Find it with `fuser -v '{place}'` and let it finish", "")
    found = _longest(_SQLITE, name) if name else _longest(_POSTGRES, getattr(cause, "sqlstate", None) or "")
    if found is None and not name and isinstance(error, exc.OperationalError):
        found = _unreached(str(cause))
    what, advice = found or ("the database reported an error", "See the detail, then try again")
    return _message(subject, place, what, advice, _first_line(str(cause)))


def _unreached(text: str) -> tuple[str, str]:
    """A connection that was never made has no SQLSTATE, only libpq's text."""
    if "password authentication failed" in text or "no password supplied" in text:
        return _POSTGRES["28"]
    if 'database "' in text and "does not exist" in text:
        return _POSTGRES["3D000"]
    if "too many clients" in text or "remaining connection slots" in text:
        return _POSTGRES["53300"]
    return ("the server cannot be reached", "Check host and port in the {setting} and that the server runs")


def _longest(table: dict[str, tuple[str, str]], code: str) -> tuple[str, str] | None:
    starts = [start for start in table if code.startswith(start)]
    return table[max(starts, key=len)] if starts else None


def _message(subject: Subject, place: str, what: str, advice: str, detail: str) -> str:
    words = {"name": subject.name, "setting": subject.setting, "without": subject.without}
    text = f"The {subject.name} {place} cannot be used: {what.format(**words)}. {advice.format(**words)}."
    return f"{text} (Detail: {detail})" if detail else text


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else ""
