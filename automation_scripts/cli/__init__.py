"""`automation`: the command line. One module a command group; each imports what it needs when it is called."""

from __future__ import annotations

import sys


def main() -> None:
    """The console script. Exit codes: 0 done; 1 findings at or over `--fail-on`, or failed; 2 bad input or refused;
    130 interrupted."""
    from automation_scripts.cli.app import build_app
    from automation_scripts.errors import AutomationError

    try:
        build_app()()
    except AutomationError as error:
        from automation_scripts.cli.console import complain

        complain(str(error))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output has gone (`automation history | head`); there is nothing left to say to it.
        import os

        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
