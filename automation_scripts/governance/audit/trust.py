"""Which checkpoint is believed: it was signed, by a known key, in the time of that key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from automation_scripts.governance.audit.notes import Checkpoint, MalformedNote, VerifierKey, parse_checkpoint


class Verdict(StrEnum):
    """What a checkpoint is worth."""

    TRUSTED = "trusted"
    MALFORMED = "malformed"
    """It is no checkpoint at all."""
    FORGED = "forged"
    """It names a known key, and that key did not sign this text."""
    UNKNOWN_KEY = "unknown_key"
    """No known key signed it."""
    RETIRED_KEY = "retired_key"
    """A known key signed it, which was not in use at that tree size."""
    OTHER_LOG = "other_log"
    """It is of a log with another origin."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A note with its verdict; `checkpoint` is None when it is malformed."""

    note: str
    verdict: Verdict
    checkpoint: Checkpoint | None

    @property
    def trusted(self) -> Checkpoint | None:
        """The checkpoint, if it may be believed."""
        return self.checkpoint if self.verdict is Verdict.TRUSTED else None


def judge(note: str, keys: Sequence[VerifierKey], origin: str | None = None) -> Judged:
    """Check a note against the known keys. Signatures of unknown keys are ignored, as C2SP signed-note demands."""
    try:
        checkpoint = parse_checkpoint(note)
    except MalformedNote:
        return Judged(note, Verdict.MALFORMED, None)
    if origin is not None and checkpoint.origin != origin:
        return Judged(note, Verdict.OTHER_LOG, checkpoint)
    return Judged(note, _judge_signatures(checkpoint, keys), checkpoint)


def _judge_signatures(checkpoint: Checkpoint, keys: Sequence[VerifierKey]) -> Verdict:
    known = {(key.name, key.key_id): key for key in keys}
    current = in_use(keys, checkpoint.size)
    verdict = Verdict.UNKNOWN_KEY
    for signature in checkpoint.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is None:
            continue
        if not key.accepts(checkpoint.text, signature.signature):
            return Verdict.FORGED
        if key in current:
            verdict = Verdict.TRUSTED
        elif verdict is Verdict.UNKNOWN_KEY:
            verdict = Verdict.RETIRED_KEY
    return verdict


def in_use(keys: Sequence[VerifierKey], size: int) -> list[VerifierKey]:
    """The keys that may sign a checkpoint of this size: the newest one, and at the size of a change the one before."""
    ordered = sorted(keys, key=lambda key: key.from_size)
    found = [key for key in ordered if key.from_size <= size]
    if not found:
        return []
    start = found[-1].from_size
    newest = [key for key in found if key.from_size == start]
    if start != size or start == 0:
        return newest
    before = [key for key in found if key.from_size < start]
    return before[-1:] + newest
