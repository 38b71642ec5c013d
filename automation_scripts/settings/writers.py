"""Who else may write to a file that decides."""

from __future__ import annotations

import os
import stat


def open_to_others(status: os.stat_result) -> str:
    """Who besides the owner may write to it, and what to do about it; empty when nobody may, and where there are no modes.

    A group that may write is accepted if it is the primary group of this process and the file is this account's: that is the
    account's own group on most systems, with a umask of 002.
    """
    if os.name != "posix":
        return ""
    if status.st_mode & stat.S_IWOTH:
        return "everybody on this machine may write to it; run chmod go-w on it"
    own = status.st_uid == os.geteuid() and status.st_gid == os.getegid()
    if status.st_mode & stat.S_IWGRP and not own:
        return f"the group {status.st_gid} may write to it; run chmod go-w on it"
    return ""
