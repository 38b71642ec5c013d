"""The warm runner: a process that has everything imported, and forks one child for each piece of work.

Importing Prefect takes about a second and Great Expectations two more. This process pays for that once (`preload`). A
client (see `handoff`) sends a command line, an environment, a folder and its own three standard streams; the child that
is forked for it (`fork_loop`) runs `python -m MODULE …` in place of the client, which hands its signals on and leaves
with its exit code.
"""

from __future__ import annotations

import random
import sys
import traceback
from pathlib import Path
from typing import Any

from automation_scripts.server.attached import in_fork, offer, report
from automation_scripts.server.fork_loop import ForkLoop
from automation_scripts.server.local_sockets import listen
from automation_scripts.server.preload import preload


def serve(path: Path) -> dict[str, Any] | None:
    """Listen, import, and fork on request. Returns in a forked child, with the request that it is to run.

    Returns None in the parent when it was told to stop.
    """
    listener = listen(path)
    preload()
    offer(path)
    return ForkLoop(listener).run()


def run_module(request: dict[str, Any]) -> None:
    """In the child: become `python -m MODULE ARGUMENTS` of the request."""
    import runpy

    if "prefect" in sys.modules:
        # The settings that Prefect read at import are the parent's; this run has its own environment.
        from prefect.context import refresh_global_settings_context

        refresh_global_settings_context()
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    module, *arguments = request["argv"]
    sys.argv = [module, *arguments]
    import warnings

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*found in sys.modules.*", category=RuntimeWarning)
        runpy.run_module(module, run_name="__main__", alter_sys=True)


def main() -> None:
    """`python -m automation_scripts.server.warm SOCKET`"""
    request = serve(Path(sys.argv[1]))
    if request is None:
        return
    if in_fork():
        _run_attached(request)
    else:
        run_module(request)


def _run_attached(request: dict[str, Any]) -> None:
    """Run the module as a process of its own would: whatever it ends with becomes an exit code, and that is told last."""
    code = 0
    try:
        run_module(request)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            sys.stderr.write(end.code + "\n")
    except BaseException:  # as the interpreter does at the end of a process
        traceback.print_exc()
        code = 1
    report(code)


if __name__ == "__main__":
    main()
