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
    from automation_scripts.cli.app import build_app
    from automation_scripts.errors import AutomationError

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not when closed: then it is None
            stream.reconfigure(errors="backslashreplace")  # a terminal that is not UTF-8 still shows the rest
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


def _complain(message: str) -> None:
    from automation_scripts.cli.console import complain

    complain(message)
