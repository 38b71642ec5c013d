"""Lines that are wrong although the error shows further down: a line without its ':' that runs on into the next ones, and
a line whose own indentation is off, so that its neighbours seem to be.

Only indentation and marks are looked at: the text does not parse. Each answer is a guess that the lines around support.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from automation_scripts.validation.input.text import LineIndex
from automation_scripts.validation.parsing.yaml_error_places import Line, content_line_above, line_numbered

_MARK = re.compile(r":(?:\s|$)")
_PLAIN_PAIR = re.compile(r"[ ]*(?:-[ ]+)*[^\s:#'\"\[{][^:]*:[ ]+[^\s#|>&*!'\"\[{]")
_ITEM = re.compile(r"[ ]*-(?:\s|$)")
_MAX_LINES = 200
_DASH = 2  # how far a key stands behind the dash of its item


def bare_line(line: Line, index: LineIndex) -> Line | None:
    """The line above without a ':' of its own where the text begins that runs on into `line`; None when the lines between
    continue a value."""
    block: list[Line] = []
    for above in _content_lines_above(line.number, index):
        if _MARK.search(above.text) or above.text.startswith(("---", "%", "...")):
            if block and _PLAIN_PAIR.match(above.text) and above.indent < block[-1].indent:
                return None
            break
        block.append(above)
    if not block:
        return None
    least = min(above.indent for above in block)
    outer = [above for above in block if above.indent == least]
    words = [above for above in outer if not _ITEM.match(above.text)]
    chosen = words[-1] if words else outer[0]
    return chosen if chosen.indent <= line.indent else None


def misplaced_line(line: Line, index: LineIndex) -> tuple[Line, int] | None:
    """The line above whose indentation is off while that of `line` is right, and what it should be; None when nothing says
    so."""
    found = _too_shallow(line, index) or _first_too_deep(line, index)
    return found if found is not None and _is_supported(line, found[0], index) else None


def _is_supported(line: Line, suspect: Line, index: LineIndex) -> bool:
    """True unless the lines below go on at the indentation of the suspect: then `line` itself is the odd one."""
    for number in range(line.number + 1, min(line.number + _MAX_LINES, index.lines) + 1):
        below = line_numbered(number, index)
        if below.text.strip() and not below.text.lstrip().startswith("#"):
            if below.indent <= max(line.indent, suspect.indent):
                return below.indent != suspect.indent
    return True


def _too_shallow(line: Line, index: LineIndex) -> tuple[Line, int] | None:
    """A line before `line`, indented less than it, while what is nested in it or around it fits `line`."""
    wanted, suspect, below = line.indent, None, None
    for above in _content_lines_above(line.number, index):
        if suspect is None:
            if above.indent < wanted:
                suspect = above
            else:
                below = above
        elif below is None:
            return None
        elif above.indent < suspect.indent or (above.indent == suspect.indent and _ITEM.match(suspect.text)):
            return _first_too_shallow(suspect, above, wanted, usual_step(index))
        elif above.indent <= wanted:
            if above.indent < wanted:
                return None
            step = usual_step(index)
            fits_wanted, fits_own = below.indent - wanted, below.indent - suspect.indent
            return (suspect, wanted) if fits_wanted in (step, 0) and fits_own not in (step, 0) else None
    return None


def _first_too_shallow(suspect: Line, parent: Line, wanted: int, step: int) -> tuple[Line, int] | None:
    """The first line of a block under `parent`, when its siblings are where one is expected and it is not."""
    if _ITEM.match(suspect.text):
        wanted -= _DASH
        if wanted - parent.indent not in (step, 0):
            return None
    elif wanted - parent.indent != step or suspect.indent - parent.indent in (step, 0):
        return None
    return (suspect, wanted) if suspect.indent != wanted >= 0 else None


def _first_too_deep(line: Line, index: LineIndex) -> tuple[Line, int] | None:
    """The first line of a block, indented more than the siblings that follow it."""
    wanted, first = line.indent, None
    for above in _content_lines_above(line.number, index):
        if above.indent < wanted:
            step = usual_step(index)
            deeper = first is not None and first.indent > wanted and first.indent - above.indent != step
            return (first, wanted) if first is not None and deeper and wanted - above.indent == step else None
        first = above
    return None


def odd_first_line(line: Line, start: int, index: LineIndex) -> Line | None:
    """The first line of the document that begins at or after offset `start`, when it alone is indented more than `line`."""
    number = index.position(start)[0]
    first: Line | None = None
    for current in range(number, line.number):
        found = line_numbered(current, index)
        if not found.text.strip() or found.text.lstrip().startswith("#") or found.text.startswith(("---", "%")):
            continue
        if first is None:
            first = found
            if first.indent <= line.indent:
                return None
        elif found.indent <= first.indent:
            return None  # others are indented like it
    return first


def usual_step(index: LineIndex) -> int:
    """By how many spaces a level is indented in most of the text."""
    steps: Counter[int] = Counter()
    before = 0
    for number in range(1, min(index.lines, _MAX_LINES * 5) + 1):
        line = line_numbered(number, index)
        if not line.text.strip() or line.text.lstrip().startswith("#"):
            continue
        if line.indent > before:
            steps[line.indent - before] += 1
        before = line.indent + (_DASH if _ITEM.match(line.text) else 0)
    return steps.most_common(1)[0][0] if steps else 2


def _content_lines_above(number: int, index: LineIndex) -> Iterator[Line]:
    def walk() -> Iterator[Line]:
        at = number
        while (above := content_line_above(at, index)) is not None:
            yield above
            at = above.number

    return islice(walk(), _MAX_LINES)
