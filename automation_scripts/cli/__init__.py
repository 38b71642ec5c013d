"""`automation`: the command line. One module a command group; each imports what it needs when it is called."""

from __future__ import annotations

import errno
import io
import os
import sys

_UNWRITABLE = (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def main() -> None:
    """The console script. Exit codes: 0 done; 1 findings at or over `--fail-on`, or failed; 2 bad input or refused;
    130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not when closed: then it is None
            stream.reconfigure(errors="backslashreplace")  # a terminal that is not UTF-8 still shows the rest
    _leave_to_warm_runner()
    from automation_scripts.cli.app import build_app
    from automation_scripts.errors import AutomationError

    try:
        build_app()()
    except AutomationError as error:
        _complain(str(error))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)
    except OSError as error:
        if error.filename is not None or error.errno not in _UNWRITABLE:
            raise
        # Nothing more can be written; what is still buffered would fail again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno != errno.EPIPE:  # `automation history | head` is no error that anybody must hear of
            _complain(f"the output cannot be written: {error.strerror}. Free some space, or write it elsewhere.")
        sys.exit(1)


def _leave_to_warm_runner() -> None:
    """A run imports Prefect for more than a second. Where the warm runner has done so already, a fork of it runs it."""
    if sys.argv[1:2] != ["run"] or sys.platform != "linux":
        return
    from automation_scripts.server.attached import in_fork, run_attached
    from automation_scripts.server.record import ServerFolder
    from automation_scripts.settings.environ import read_variables

    if in_fork():
        return
    socket = ServerFolder(read_variables(os.environ).home).warm_socket
    code = run_attached(socket, ["automation_scripts.cli", *sys.argv[1:]])
    if code is not None:
        sys.exit(code)


def _complain(message: str) -> None:
    from automation_scripts.cli.console import complain

    complain(message)
