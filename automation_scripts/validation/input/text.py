"""Bytes to text with positions: byte order marks, UTF-8/16/32, bytes that are no text, lines and columns.

Offsets and columns count Unicode code points of the text *after* the byte order mark, as editors show them.
A line ends at LF, CRLF or CR.
"""

from __future__ import annotations

import codecs
import io
import re
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.input.spans import Span

# The longer mark first: UTF-32 little endian begins with the bytes of UTF-16 little endian.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")  # but tab, line breaks, form feed and escape
_MAX_STRAY_CONTROLS = 4
_LARGE = 4_000_000
_SAMPLE_BYTES = 8192
_PATTERN_BYTES = 1024
_MAX_BAD_BYTES_SHOWN = 20


class LineIndex:
    """Turns an offset of a text into its line and column, and back."""

    __slots__ = ("_length", "starts", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._length = len(text)
        self.starts = _line_starts(text)

    @property
    def lines(self) -> int:
        """How many lines there are; a final line break opens one more, empty line."""
        return len(self.starts)

    def position(self, offset: int) -> tuple[int, int]:
        """The 1-based (line, column) of an offset; offsets outside the text are moved to its ends."""
        offset = min(max(offset, 0), self._length)
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def offset(self, line: int, column: int) -> int:
        """The offset of a 1-based line and column.

        Raises:
            ValueError: when the text has no such line, or the line no such column.
        """
        if not 1 <= line <= len(self.starts):
            raise ValueError(f"line {line} is outside the text, which has {len(self.starts)} lines")
        start = self.starts[line - 1]
        end = self.starts[line] if line < len(self.starts) else self._length
        if not 1 <= column <= end - start + 1:
            raise ValueError(f"column {column} is outside line {line}, which has {end - start} characters")
        return start + column - 1

    def span(self, start: int, end: int) -> Span:
        """The span between two offsets, end exclusive."""
        line, column = self.position(start)
        end_line, end_column = self.position(end)
        return Span(start, end, line, column, end_line, end_column)

    def line_start(self, line: int) -> int:
        """The offset where a 1-based line begins."""
        return self.starts[line - 1]

    def line_text(self, line: int) -> str:
        """A 1-based line without its line break; empty when there is no such line."""
        if not 1 <= line <= len(self.starts):
            return ""
        end = self.starts[line] if line < len(self.starts) else self._length
        return self.text[self.starts[line - 1] : end].rstrip("\r\n")


def _line_starts(text: str) -> Sequence[int]:
    # With newline="" the lines end at LF, CRLF and CR, and keep what they end with.
    ends = accumulate(map(len, io.StringIO(text, newline="")), initial=0)
    # Numbers of their own take four times the memory, which tells only in a large file.
    starts = array("q", ends) if len(text) > _LARGE else list(ends)
    if len(starts) > 1 and text[-1] not in "\r\n":
        starts.pop()  # the last line has no break behind it
    return starts


@dataclass(slots=True)
class Decoded:
    """A file's text, and what is needed to write it back unchanged."""

    text: str
    encoding: str = "utf-8"
    mark: bytes = b""
    """The byte order mark that the file began with."""
    lossy: bool = False
    """True when some bytes were no text and were replaced: such a text must never be written back."""
    findings: list[Finding] = field(default_factory=list)

    def encode(self, text: str) -> bytes:
        """A changed text in this file's own encoding, with its byte order mark."""
        return self.mark + text.encode(self.encoding)


def decode(data: bytes, name: str) -> Decoded:
    """Decode a configuration file. Bad bytes become U+FFFD and one finding each, with line and column.

    Source: YAML 1.2.2 section 5.2 (detection), RFC 8259 section 8.1.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decode(data[len(mark) :], encoding, mark, name)
    return _decode(data, _encoding_without_mark(data), b"", name)


def looks_binary(sample: bytes) -> bool:
    """True when the beginning of a file cannot be text in any encoding that configuration is written in."""
    sample = sample[:_SAMPLE_BYTES]
    if not sample or any(sample.startswith(mark) for mark, _ in _MARKS):
        return False
    if _encoding_without_mark(sample) != "utf-8":
        return False
    controls = len(_CONTROL.findall(sample))
    # A few stray NULs in a text are reported where they stand; a file full of control bytes is no text at all.
    return controls > max(_MAX_STRAY_CONTROLS, len(sample) * 0.1) or (
        controls > 0 and _undecodable_share(sample) > 0.05
    )


def _undecodable_share(sample: bytes) -> float:
    return sample.decode("utf-8", "replace").count("\ufffd") / len(sample)


def _encoding_without_mark(data: bytes) -> str:
    """UTF-16/32 by the pattern of NUL bytes that ASCII text leaves in them; UTF-8 for everything else."""
    if b"\0" not in data[:_PATTERN_BYTES]:
        return "utf-8"
    for width in (4, 2):
        if len(data) < 4 or len(data) % width:
            continue
        sample = data[:_PATTERN_BYTES]
        zeros = [sample[i::width].count(0) / len(sample[i::width]) for i in range(width)]
        # A few other characters (an emoji) do not hide the pattern.
        if zeros[0] < 0.2 and all(share > 0.7 for share in zeros[1:]):
            return f"utf-{width * 8}-le"
        if zeros[-1] < 0.2 and all(share > 0.7 for share in zeros[:-1]):
            return f"utf-{width * 8}-be"
    return "utf-8"


def _decode(body: bytes, encoding: str, mark: bytes, name: str) -> Decoded:
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError:
        text, bad = _decode_with_gaps(body, encoding)
        decoded = Decoded(text, encoding, mark, lossy=True)
        decoded.findings = _bad_byte_findings(text, bad, encoding, name)
        return decoded
    decoded = Decoded(text, encoding, mark)
    if encoding != "utf-8":
        label = encoding[:6].upper()
        decoded.findings.append(
            Finding(
                "file/encoding",
                Severity.LOW,
                f"The file is written in {label}. Most tools read configuration as UTF-8 and fail on it.",
                file=name,
                line=1,
                column=1,
                suggestion="Save the file as UTF-8 without a byte order mark.",
                tags=("invalid-value",),
            )
        )
    return decoded


def _decode_with_gaps(body: bytes, encoding: str) -> tuple[str, list[tuple[int, bytes]]]:
    """Decode with U+FFFD in place of each undecodable run: (text, [(offset in text, the bytes)])."""
    pieces: list[str] = []
    bad: list[tuple[int, bytes]] = []
    length = start = 0
    while start < len(body):
        try:
            pieces.append(body[start:].decode(encoding))
            break
        except UnicodeDecodeError as error:
            good = body[start : start + error.start].decode(encoding)
            end = start + max(error.end, error.start + 1)
            bad.append((length + len(good), body[start + error.start : end]))
            pieces.extend((good, "\ufffd"))
            length += len(good) + 1
        start = end
        if len(bad) >= _MAX_BAD_BYTES_SHOWN:
            pieces.append(body[start:].decode(encoding, "replace"))
            break
    return "".join(pieces), bad


def _bad_byte_findings(text: str, bad: list[tuple[int, bytes]], encoding: str, name: str) -> list[Finding]:
    index = LineIndex(text)
    found = []
    for offset, raw in bad:
        line, column = index.position(offset)
        shown = " ".join(f"0x{byte:02X}" for byte in raw[:4])
        found.append(
            Finding(
                "file/encoding",
                Severity.HIGH,
                f"{shown} is no valid {encoding.upper()} here (character {column} of line {line}).",
                file=name,
                line=line,
                column=column,
                end_line=line,
                end_column=column + 1,
                suggestion="Save the file as UTF-8; the bytes may come from Latin-1 or Windows-1252.",
                tags=("syntax",),
            )
        )
    return found
