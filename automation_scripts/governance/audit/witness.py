"""Checkpoints as witnesses: those in the log and those of the anchors, against the entries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

from automation_scripts.governance.audit import ledger
from automation_scripts.governance.audit.anchors import Anchor
from automation_scripts.governance.audit.findings import Kind, Problem, entries_text
from automation_scripts.governance.audit.notes import Checkpoint, VerifierKey
from automation_scripts.governance.audit.trust import Judged, Verdict, judge

_KINDS = {Verdict.UNKNOWN_KEY: Kind.UNKNOWN_KEY, Verdict.RETIRED_KEY: Kind.RETIRED_KEY}
_WHY = {
    Verdict.MALFORMED: "is no checkpoint any more",
    Verdict.FORGED: "was edited: its signature does not fit",
    Verdict.UNKNOWN_KEY: "is signed by none of the known keys: the log was signed again by somebody else",
    Verdict.RETIRED_KEY: "is signed by a key that was not in use at that size",
    Verdict.OTHER_LOG: "is of another log",
}


@dataclass(slots=True)
class Witnesses:
    """The checkpoints of one source that may be believed, and what is wrong with the others."""

    trusted: list[Checkpoint] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    has_head: bool = False
    """There is a head, believed or not."""
    head: Checkpoint | None = None
    kept: set[int] = field(default_factory=set)
    """Sizes of the rows of kept checkpoints, believed or not."""


def of_log(connection: Connection, keys: Sequence[VerifierKey], origin: str | None) -> Witnesses:
    """The head and the kept checkpoints in the database."""
    with ledger.tolerant(connection):
        return _of_log(connection, keys, origin)


def _of_log(connection: Connection, keys: Sequence[VerifierKey], origin: str | None) -> Witnesses:
    found = Witnesses()
    rows = connection.execute(text("SELECT number, size, note FROM audit_checkpoints ORDER BY number")).all()
    expected = 0
    for number, size, note in rows:
        if number > expected:
            message = f"{number - expected} kept checkpoint(s) before the one of {size} entries: deleted"
            found.problems.append(Problem(Kind.CHECKPOINT_DELETED, None, message))
        expected = number + 1
        found.kept.add(size)
        judged = judge(str(note), keys, origin)
        if judged.trusted is not None and judged.trusted.size != size:
            message = f"the checkpoint of {judged.trusted.size} entries is stored as one of {size}: edited"
            found.problems.append(Problem(Kind.CHECKPOINT_EDITED, size, message))
        _sort(found, judged, f"the kept checkpoint of {size} entries", Kind.CHECKPOINT_EDITED)
    note = connection.execute(text("SELECT note FROM audit_head ORDER BY id LIMIT 1")).scalar_one_or_none()
    if note is not None:
        found.has_head = True
        judged = judge(str(note), keys, origin)
        found.head = judged.trusted
        _sort(found, judged, "the signed head", Kind.CHECKPOINT_EDITED)
    return found


def of_anchor(
    anchor: Anchor, published: Iterable[int], keys: Sequence[VerifierKey], origin: str | None
) -> Witnesses | None:
    """What an anchor holds; None when it only forwards. `published` are the sizes that the log says it accepted."""
    found = Witnesses()
    try:
        notes = anchor.read()
    except Exception as error:  # an anchor may be anything
        message = f"the anchor {anchor.name} cannot be read ({type(error).__name__}: {error})"
        found.problems.append(Problem(Kind.ANCHOR_UNAVAILABLE, None, message))
        return found
    if notes is None:
        return None
    for note in notes:
        _sort(found, judge(note, keys, origin), f"a checkpoint in the anchor {anchor.name}", Kind.ANCHOR_EDITED)
    lost = sorted(set(published) - {checkpoint.size for checkpoint in found.trusted})
    if lost:
        sizes = ", ".join(map(str, lost[:5])) + (", …" if len(lost) > 5 else "")
        message = f"the anchor {anchor.name} has lost {len(lost)} checkpoint(s) that it had accepted, of size {sizes}"
        found.problems.append(Problem(Kind.ANCHOR_TRUNCATED, lost[0], message))
    return found


Holds = Callable[[Checkpoint], bool]
"""Says whether a checkpoint agrees with the log."""


def compare(log: Witnesses, anchored: Mapping[str, Witnesses], size: int, holds: Holds) -> list[Problem]:
    """Hold a log of `size` entries against all believed checkpoints."""
    own_good, own_bad = _split(log.trusted, size, holds)
    good, bad = _split([checkpoint for one in anchored.values() for checkpoint in one.trusted], size, holds)
    problems = _rolled_back(anchored, size)
    contradicted = own_bad | bad
    if contradicted:
        first_bad = min(contradicted)
        last_good = max((one for one in own_good | good if one < first_bad), default=0)
        # The log's own signature holds over what the anchor denies: the key has signed both.
        forked = not own_bad and max(own_good, default=0) >= first_bad
        problems.append(_contradiction(forked, last_good, first_bad))
    return problems + _lost(log, anchored, size, holds)


def covered(witnesses: Iterable[Witnesses], roots: Mapping[int, bytes]) -> int:
    """The size of the largest believed checkpoint that agrees with the root hashes of the entries; 0 for none."""
    found = (checkpoint for one in witnesses for checkpoint in one.trusted)
    return max((c.size for c in found if roots.get(c.size) == c.root), default=0)


def _lost(log: Witnesses, anchored: Mapping[str, Witnesses], size: int, holds: Holds) -> list[Problem]:
    """Checkpoints that an anchor holds, that agree with the log, and that the log no longer keeps."""
    outside = {
        c.size
        for one in anchored.values()
        for c in one.trusted
        if c.size <= size and c.size not in log.kept and holds(c)
    }
    return [
        Problem(Kind.CHECKPOINT_DELETED, at, f"the kept checkpoint of {at} entries, which an anchor holds: deleted")
        for at in sorted(outside)
    ]


def _rolled_back(anchored: Mapping[str, Witnesses], size: int) -> list[Problem]:
    problems = []
    for name, one in anchored.items():
        largest = max((checkpoint.size for checkpoint in one.trusted), default=0)
        if largest > size:
            message = (
                f"the anchor {name} holds a checkpoint of {largest} entries, the log has {size}: "
                f"{entries_text(size, largest)} are gone, an earlier copy was put in place of the log"
            )
            problems.append(Problem(Kind.LOG_ROLLED_BACK, size, message, largest))
    return problems


def _contradiction(forked: bool, last_good: int, first_bad: int) -> Problem:
    meant = entries_text(last_good, first_bad)
    if forked:
        message = f"{meant}: an anchor holds a signed checkpoint of another history; the log was forked"
        return Problem(Kind.LOG_FORKED, last_good, message, first_bad)
    message = f"{meant}: changed since they were signed, by the checkpoints of {last_good} (agrees) and {first_bad} (does not)"
    return Problem(Kind.HISTORY_REWRITTEN, last_good, message, first_bad)


def _split(trusted: Iterable[Checkpoint], size: int, holds: Holds) -> tuple[set[int], set[int]]:
    """Sizes of the checkpoints that agree with the log, and of those that do not; larger ones say nothing."""
    good: set[int] = set()
    bad: set[int] = set()
    for checkpoint in trusted:
        if checkpoint.size <= size:
            (good if holds(checkpoint) else bad).add(checkpoint.size)
    return good, bad


def _sort(found: Witnesses, judged: Judged, what: str, edited: Kind) -> None:
    if judged.trusted is not None:
        found.trusted.append(judged.trusted)
        return
    size = judged.checkpoint.size if judged.checkpoint is not None else None
    said = f" (it says {size} entries)" if size is not None else ""
    kind = _KINDS.get(judged.verdict, edited)
    found.problems.append(Problem(kind, size, f"{what}{said} {_WHY[judged.verdict]}"))
