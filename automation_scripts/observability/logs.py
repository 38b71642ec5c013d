"""The log: one JSON object a line, with the run that each line belongs to.

A log that cannot be written never breaks a run: it costs one warning on stderr, and a line that says how many
were lost once writing works again.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automation_scripts.observability.logfile import LogFile
from automation_scripts.observability.redaction import redact, scrub

if TYPE_CHECKING:
    from automation_scripts.settings import Settings

LOGGER = "automation"
SYSTEM_LOG = Path("/var/log/automation/orchestrator.log")

_RUN: ContextVar[Mapping[str, str]] = ContextVar("automation_run", default={})  # noqa: B039 (never changed)
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# What json.dumps leaves as it is and a terminal or a line reader acts upon; lone surrogates are no UTF-8.
_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_warned: set[object] = set()


def configure_logging(settings: Settings) -> Path:
    """Sends the logger `automation` to the log file, whose path it returns. May be called again."""
    path = log_path(settings)
    logger = logging.getLogger(LOGGER)
    for handler in [h for h in logger.handlers if isinstance(h, LogHandler)]:
        logger.removeHandler(handler)
        handler.close()
    # First in the row, so that the handlers after it, Prefect's among them, get records without secrets.
    logger.handlers.insert(0, LogHandler(LogFile(path, farewell=_farewell)))
    logger.setLevel(settings.log.level.value)
    logger.propagate = False
    return path


def log_path(settings: Settings) -> Path:
    """Where the log is: `log.path`, else /var/log/automation where writable, else in the state folder."""
    chosen = settings.log.path
    reason = _obstacle(chosen or SYSTEM_LOG)
    if not reason:
        return chosen or SYSTEM_LOG
    fallback = settings.home / "logs" / SYSTEM_LOG.name
    if chosen:
        _warn(chosen, f"cannot write the log {chosen}: {reason}; writing to {fallback} instead")
    with suppress(OSError):  # reported when the first line is written
        fallback.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return fallback


@contextmanager
def run_context(
    *,
    execution_id: str | None = None,
    trace_id: str | None = None,
    script: str | None = None,
    environment: str | None = None,
) -> Iterator[None]:
    """Within it every log record says which run it belongs to. Nested contexts add to the outer one."""
    given = {
        "execution_id": execution_id,
        "trace_id": trace_id,
        "script": script,
        "environment": environment,
    }
    token = _RUN.set({**_RUN.get(), **{name: value for name, value in given.items() if value is not None}})
    try:
        yield
    finally:
        _RUN.reset(token)


class LogHandler(logging.Handler):
    """Appends each record to a log file that other processes may be writing to as well."""

    def __init__(self, file: LogFile) -> None:
        super().__init__()
        self.file = file
        self.setFormatter(JsonLines())
        self.addFilter(without_secrets)
        self._lost = 0
        self._reason = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Never raises."""
        try:
            line = _encode(self.format(record))
            if self._lost:
                self.file.append(_notice("WARNING", f"{self._lost} lines were lost: {self._reason}"))
                self._lost = 0
            self.file.append(line)
        except Exception as error:
            self._lost += 1
            self._reason = _reason(error)
            path = self.file.path
            _warn(path, f"cannot write the log {path}: {self._reason}; runs go on without it")
            return
        try:
            self.file.rotate_if_full()
        except OSError as error:
            path = self.file.path
            _warn((path, "rotate"), f"cannot rotate the log {path}: {_reason(error)}; it keeps growing")

    def close(self) -> None:
        """Lets go of the file. A record that comes later opens it again: Prefect closes all handlers once."""
        self.acquire()
        try:
            self.file.close()
        finally:
            self.release()
        super().close()


class JsonLines(logging.Formatter):
    """A record that went through `without_secrets` as one JSON object on one line; times are UTC."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its newline."""
        entry: dict[str, Any] = {
            "time": _time(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
            **_RUN.get(),
            "process": record.process,
        }
        if data := {name: value for name, value in vars(record).items() if name not in _STANDARD}:
            entry["data"] = data
        if record.exc_text:
            entry["exception"] = record.exc_text
        if record.stack_info:
            entry["stack"] = record.stack_info
        return json.dumps(entry, ensure_ascii=False)


def without_secrets(record: logging.LogRecord) -> bool:
    """A filter that rewrites the record itself, so that the handlers after this one get no secrets either."""
    try:
        _take_secrets_out(record)
    except Exception as error:  # raised by what somebody logs; it would reach the code that logged it
        record.msg, record.args = f"[a record that cannot be shown: {type(error).__name__}]", None
    return True


def _take_secrets_out(record: logging.LogRecord) -> None:
    if isinstance(record.args, Mapping):
        record.args = redact(record.args)
    elif record.args:
        record.args = tuple(redact(a) if isinstance(a, (Mapping, list, tuple)) else a for a in record.args)
    record.msg, record.args = scrub(_message(record)), None
    if record.exc_info and record.exc_info[0]:
        record.exc_text = scrub(logging.Formatter().formatException(record.exc_info))
    record.exc_info = None  # every formatter takes the text above; the exception itself may hold anything
    if record.stack_info:
        record.stack_info = scrub(record.stack_info)
    vars(record).update(redact({name: vars(record)[name] for name in vars(record).keys() - _STANDARD}))


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # the arguments do not fit the text: say both rather than nothing
        return f"{record.msg!s} {record.args!r}"


def _encode(line: str) -> bytes:
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", line).encode() + b"\n"


def _notice(level: str, message: str) -> bytes:
    """A line about the log itself."""
    entry = {"time": _time(datetime.now(UTC).timestamp()), "level": level, "logger": f"{LOGGER}.log"}
    return _encode(json.dumps({**entry, "message": message, "process": os.getpid()}, ensure_ascii=False))


def _farewell() -> bytes:
    return _notice("INFO", "the log goes on in a new file; follow it across files with tail -F")


def _time(timestamp: float) -> str:
    return datetime.fromtimestamp(timestamp, UTC).isoformat(timespec="milliseconds")


def _obstacle(path: Path) -> str | None:
    """Why no line can be appended there, or None. Creates the folder and the file."""
    file = LogFile(path)
    try:
        file.append(b"")
    except (OSError, ValueError) as error:
        return _reason(error)
    finally:
        file.close()
    return None


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or f"{type(error).__name__}: {error}"


def _warn(about: object, message: str) -> None:
    """Once a process about the same thing, and never an error: stderr may be closed."""
    if about not in _warned:
        _warned.add(about)
        with suppress(Exception):
            print(f"automation: {message}", file=sys.stderr, flush=True)
