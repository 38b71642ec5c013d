"""What the scalars of YAML 1.2 hold: quotes, escapes, folded lines and block texts (YAML 1.2.2 chapters 7.3 and 8.1).

For texts that are known to be valid: nothing is checked here, and nothing raises.
"""

from __future__ import annotations

import re

_ESCAPES = {
    "0": "\0",
    "a": "\a",
    "b": "\b",
    "t": "\t",
    "\t": "\t",
    "n": "\n",
    "v": "\v",
    "f": "\f",
    "r": "\r",
    "e": "\x1b",
    "N": "\x85",
    "_": "\xa0",
    "L": "\u2028",
    "P": "\u2029",
}
_BREAK = r"(?:\r\n?|\n)"
_ESCAPE = re.compile(
    rf"\\(?:x([0-9a-fA-F]{{2}})|u([0-9a-fA-F]{{4}})|U([0-9a-fA-F]{{8}})|({_BREAK})[ \t]*|(.))", re.DOTALL
)
_FOLD = re.compile(rf"[ \t]*({_BREAK}(?:[ \t]*{_BREAK})*)[ \t]*")
# Blanks before an escaped line break are text, so a fold does not begin at a backslash.
_PIECE = re.compile(rf"{_ESCAPE.pattern}|[ \t]*{_BREAK}(?:[ \t]*{_BREAK})*[ \t]*", re.DOTALL)
_BREAKS = re.compile(_BREAK)
_SPACE = re.compile(r"(?:[ \t\r\n\ufeff]++|(?:(?<=[ \t\r\n\ufeff])|(?<![\s\S]))#[^\r\n]*+)*+")
_HEADER = re.compile(r"[|>](?:([-+])?([1-9])?|([1-9])([-+]))(?=[ \t\r\n]|\Z)[^\r\n]*(?:\r\n?|\n)?")
_LINE = re.compile(r"( *)([^\r\n]*)(\r\n?|\n|\Z)")
_MAX_CODE_POINT = 0x10FFFF


def fold(text: str) -> str:
    """Lines of a plain or single-quoted text as one: a single break is a space, each further one a line break."""
    return _FOLD.sub(_folded, text) if "\n" in text or "\r" in text else text


def _folded(found: re.Match[str]) -> str:
    breaks = len(_BREAKS.findall(found.group()))
    return " " if breaks == 1 else "\n" * (breaks - 1)


def single_quoted(body: str) -> str:
    """The text between single quotes."""
    return fold(body).replace("''", "'")


def double_quoted(body: str) -> str:
    """The text between double quotes."""
    return _PIECE.sub(_piece, body) if "\\" in body or "\n" in body or "\r" in body else body


def _piece(found: re.Match[str]) -> str:
    if not found.group().startswith("\\"):
        return _folded(found)
    digits = found[1] or found[2] or found[3]
    if digits:
        code = int(digits, 16)
        return chr(code) if code <= _MAX_CODE_POINT and not 0xD800 <= code <= 0xDFFF else "\ufffd"
    if found[4]:
        # Further empty lines behind an escaped break count as in any fold.
        return ""
    return _ESCAPES.get(found[5], found[5])


def block_text(text: str, start: int, limit: int, parent_indent: int) -> tuple[str, int]:
    """(value, end) of the block text whose `|` or `>` stands at `start`; it ends before `limit`."""
    header = _HEADER.match(text, start, limit)
    if header is None:
        return "", start + 1
    chomp = header[1] or header[4] or ""
    digit = header[2] or header[3]
    at = header.end()
    indent = max(parent_indent, 0) + int(digit) if digit else _detected_indent(text, at, limit, parent_indent)
    lines: list[str] = []
    while at < limit and (found := _LINE.match(text, at, limit)) is not None:
        blanks, rest = len(found[1]), found[2]
        if rest and blanks < indent:
            break
        lines.append(found.group()[indent : blanks + len(rest)])
        at = found.end()
        if not found[3]:
            break
    kept = len(lines)
    while kept and not lines[kept - 1]:
        kept -= 1
    body, empty = lines[:kept], len(lines) - kept
    if body and body[-1].strip() and not empty and text[at - 1] not in "\r\n":
        chomp = "-"  # the text ends within the last line, so there is no line break to keep
    value = "\n".join(body) if text[start] == "|" else _fold_lines(body)
    if chomp == "+":
        value += "\n" * (empty + (1 if body else 0))
    elif chomp != "-" and body:
        value += "\n"
    return value, at


def _detected_indent(text: str, at: int, limit: int, parent_indent: int) -> int:
    """The indentation of the first line that holds something; the longest line when none does."""
    longest = 0
    while at < limit and (found := _LINE.match(text, at, limit)) is not None:
        if found[2]:
            return max(len(found[1]), parent_indent + 1)
        longest = max(longest, len(found[1]))
        if not found[3]:
            break
        at = found.end()
    return max(longest, parent_indent + 1)


def _fold_lines(lines: list[str]) -> str:
    """Lines of a `>` text: breaks between two lines at the indentation become spaces, others stay."""
    pieces: list[str] = []
    empty = 0
    before: str | None = None  # the latest line that holds something
    for line in lines:
        if not line:
            empty += 1
            continue
        loose = line[0] in " \t" or (before is not None and before[0] in " \t")
        if before is None:
            pieces.append("\n" * empty)
        elif loose:
            pieces.append("\n" * (empty + 1))
        else:
            pieces.append("\n" * empty if empty else " ")
        pieces.append(line)
        before, empty = line, 0
    return "".join(pieces)


def space_end(text: str, at: int, limit: int) -> int:
    """The end of the blanks, line breaks and comments that begin at an offset."""
    found = _SPACE.match(text, at, limit)
    return found.end() if found else at
