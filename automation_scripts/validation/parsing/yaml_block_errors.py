"""Syntax errors of block style: indentation, tabs, and lines that are no `key: value`."""

from __future__ import annotations

import re

from automation_scripts.validation.documents.tree import Kind, Style
from automation_scripts.validation.input.text import LineIndex
from automation_scripts.validation.parsing.yaml_documents import Problem
from automation_scripts.validation.parsing.yaml_error_places import (
    Explanation,
    Line,
    content_line_above,
    line_at,
    line_numbered,
    quoted,
    value_end,
    word_end,
)
from automation_scripts.validation.parsing.yaml_misplaced_lines import bare_line, misplaced_line, odd_first_line

_MAX_TAB_EDITS = 200
_LEAD = r"[ ]*(?:-[ ]+)*"
_PAIR = re.compile(rf"(?P<lead>{_LEAD})(?P<key>[^\s:][^:]*?)[ ]*:[ \t]+(?P<value>\S)")
_GLUED = re.compile(rf"{_LEAD}[\w./-]+:(?=[^\s:/])")
_GLUED_KEY = re.compile(r"[\w./-]+:(?=\S)")
_EQUALS = re.compile(r"([\w.-]+)[ ]*=[ ]*(?=\S)")
_TAB_INDENT = re.compile(r"(?m)^[ ]*\t[ \t]*(?=[^\s#])")
_TAB_BLANK = re.compile(r"(?m)^[ ]*\t[ \t]*(?=\r?$)")
_BLANKS = re.compile(r"[ \t]*")
_SPACE_INDENT = re.compile(r"(?m)^( +)[^\s#]")


def tab(problem: Problem, at: int, index: LineIndex) -> Explanation:
    """A tab where only spaces may stand."""
    text = index.text
    line = line_at(at, index)
    run = _BLANKS.match(text, at)
    end = max(run.end() if run else at, at + 1)
    if line.text[: at - line.start].strip():
        return Explanation(at, end, f"A tab stands where YAML allows only spaces (line {line.number}).", "Use spaces.")
    if not index.text[at : line.start + len(line.text)].strip():
        blank = [(m.start(), m.end(), "") for m in _TAB_BLANK.finditer(text)]
        return Explanation(
            at,
            end,
            f"Line {line.number} is empty but for a tab, which readers of YAML 1.1 reject.",
            "Remove the blanks of the line.",
            tuple(blank) if len(blank) <= _MAX_TAB_EDITS else (),
        )
    widths = [len(found.group(1)) for found in _SPACE_INDENT.finditer(text)]
    step = min(max(min(widths, default=2), 2), 8)
    # All such lines at once: mending one alone would leave a text that reads differently or not at all.
    edits = [(m.start(), m.end(), m.group().replace("\t", " " * step)) for m in _TAB_INDENT.finditer(text)]
    return Explanation(
        at,
        end,
        f"A tab is used for indentation on line {line.number}. YAML allows only spaces there.",
        f"Replace the tab by spaces ({step} a level in this file).",
        tuple(edits) if len(edits) <= _MAX_TAB_EDITS else (),
    )


def mapping_value(problem: Problem, at: int, index: LineIndex) -> Explanation:
    """A second `: ` in one value, a key indented deeper than its siblings, or `key:value` on the line
    before."""
    line = line_at(at, index)
    pair = _PAIR.match(line.text)
    if pair and line.start + pair.start("value") <= at:
        return _second_colon(at, line, pair, index)
    bare = bare_line(line, index)
    if bare is not None:
        glued = _GLUED.match(bare.text)
        return _missing_space(bare.start + glued.end() - 1, bare) if glued else _bare(bare, line)
    above = content_line_above(line.number, index)
    if above is not None and line.indent > above.indent and _PAIR.match(above.text):
        return _too_deep(at, line, above)
    if above is not None and above.indent and above.text.strip() == "---":
        return _shift(above, 0)
    return Explanation(at, at + 1, "A ': ' is not allowed at this place.", "Quote the text, or check the indentation.")


def _bare(bare: Line, line: Line) -> Explanation:
    return Explanation(
        bare.start + bare.indent,
        bare.end,
        f"Line {bare.number} has no ':' between key and value, so it runs on into line {line.number}.",
        "Write it as 'key: value'.",
    )


def _second_colon(at: int, line: Line, pair: re.Match[str], index: LineIndex) -> Explanation:
    start = line.start + pair.start("value")
    end = line.start + value_end(line.text, pair.start("value"))
    value = index.text[start:end]
    if value[:1] in ("'", '"'):
        return Explanation(
            at,
            at + 1,
            "A ':' follows a quoted value on the same line.",
            "Quote the whole value, or start a new line.",
        )
    return Explanation(
        at,
        at + 1,
        f"The value of {pair.group('key')!r} contains ': ', which YAML reads as a second key on the same line.",
        f"Quote the value: {quoted(value)}.",
        ((start, end, quoted(value)),),
    )


def _missing_space(colon: int, line: Line) -> Explanation:
    return Explanation(
        colon,
        colon + 1,
        f"A space is missing after ':' in {line.text.strip()[:80]!r}.",
        "Write a space after the ':'.",
        ((colon + 1, colon + 1, " "),),
    )


def _too_deep(at: int, line: Line, above: Line) -> Explanation:
    aligned = _entry_indent(above)
    key = line.start + line.indent
    return Explanation(
        key,
        max(at, key + 1),
        f"This key is indented by {line.indent} spaces, but the line above it (line {above.number}) has a value "
        "already, so nothing can be nested under it.",
        f"Indent it by {aligned} spaces like line {above.number}, or remove the value on line {above.number}.",
        ((line.start, key, " " * aligned),),
    )


def simple_key(problem: Problem, at: int, index: LineIndex) -> Explanation | None:
    """A line among keys that is no `key: value`. libyaml notices only later; its context is the line
    itself."""
    if problem.context_offset is None:
        return None
    start = problem.context_offset
    line = line_at(start, index)
    end = max(line.end, start + 1)
    glued = _GLUED_KEY.match(index.text, start)
    if glued and not index.text.startswith("//", glued.end()):
        return _missing_space(glued.end() - 1, line)
    if index.text[start : start + 1] in ("'", '"') and line_at(at, index).number > line.number:
        return Explanation(
            start,
            end,
            f"This text in quotes stands where a key is expected, but no ':' follows it on line {line.number}.",
            "Close the quote on this line and write ':' after it.",
        )
    equals = _EQUALS.match(index.text, start)
    return Explanation(
        start,
        end,
        f"Line {line.number} stands among keys but has no ':'.",
        "Write ':' instead of '='."
        if equals
        else "Write it as 'key: value', indent it if it continues the line above, or remove it.",
        ((equals.end(1), equals.end(), ": "),) if equals else (),
    )


def expected_key(problem: Problem, at: int, index: LineIndex) -> Explanation | None:
    """The next thing in a block is neither a sibling nor deeper: indentation, or text after a closed
    value."""
    text = index.text
    line = line_at(at, index)
    before = line.text[: at - line.start].rstrip()
    if before:
        if before[-1] not in ("'", '"', "]", "}"):
            return None
        return Explanation(
            at,
            word_end(text, at),
            f"There is text after the closing {before[-1]} of a value.",
            "Put the whole value into one pair of quotes; inside single quotes write '' for a quote."
            if before[-1] in ("'", '"')
            else "Quote the whole value.",
        )
    if text[at : at + 1] in ("]", "}"):
        return Explanation(at, at + 1, f"{text[at]!r} closes nothing here.", "Remove it, or add what it closes.")
    return _misaligned(problem, at, line, index)


def _misaligned(problem: Problem, at: int, line: Line, index: LineIndex) -> Explanation:
    opened_line, opened_column = index.position(problem.context_offset or 0)
    indent, opened = at - line.start, opened_column - 1
    in_list = "'-'" in problem.message
    if in_list:
        what = f"A list item ('-') is expected here, in the list that began on line {opened_line}"
    elif index.text.startswith("- ", at):
        what = f"A list item stands among the keys of the block that began on line {opened_line}"
    else:
        what = "The indentation fits no block above"
    if indent == opened:
        return Explanation(
            at, word_end(index.text, at), f"{what}.", "Keys and list items cannot be mixed in one block."
        )
    bare = bare_line(line, index) if index.text.startswith("- ", at) else None
    if bare is not None and bare.indent == line.indent:
        return _bare(bare, line)
    misplaced = misplaced_line(line, index)
    if misplaced is not None:
        return _shift(*misplaced)
    above = content_line_above(line.number, index)
    beside = _entry_indent(above) if above and not index.text.startswith("- ", at) else opened
    if above and beside > indent and beside - indent <= abs(indent - opened):
        return Explanation(
            at,
            word_end(index.text, at),
            f"{what}: this line is indented by {indent} spaces, line {above.number} above it by {beside}.",
            f"Indent it by {beside} spaces if it belongs to line {above.number}.",
            ((line.start, at, " " * beside),),
        )
    return Explanation(
        at,
        word_end(index.text, at),
        f"{what}: this line is indented by {indent} spaces, the block by {opened}.",
        f"Indent it by {opened} spaces if it belongs to that block.",
        () if in_list else ((line.start, at, " " * opened),),
    )


def _shift(line: Line, wanted: int) -> Explanation:
    key = line.start + line.indent
    return Explanation(
        key,
        line.end,
        f"Line {line.number} is indented by {line.indent} spaces, the lines of its block by {wanted}.",
        f"Indent it by {wanted} spaces.",
        ((line.start, key, " " * wanted),),
    )


def _entry_indent(line: Line) -> int:
    """Where the key of a line begins: behind the dash of a list item."""
    return line.indent + (2 if line.text[line.indent :].startswith("- ") else 0)


def document_start(problem: Problem, at: int, index: LineIndex) -> Explanation:
    """Text after the end of the document's one value."""
    line = line_at(at, index)
    if line.text[: at - line.start].strip():
        return Explanation(
            at,
            word_end(index.text, at),
            "There is more text after the end of the value.",
            "Remove it, or put everything into one pair of quotes.",
        )
    only = problem.root
    if only is not None and only.kind is Kind.SCALAR and only.style is Style.PLAIN and only.value:
        return _bare(line_numbered(only.span.line, index), line)
    first = odd_first_line(line, problem.document, index)
    if first is not None and first.text.lstrip().startswith("---"):
        return _shift(first, 0)
    if first is not None:
        return _shift(first, line.indent)
    return Explanation(
        at,
        word_end(index.text, at),
        f"Line {line.number} does not belong to the document that ended above it: it is indented less than the "
        "document's first line, or it mixes a list with keys.",
        "Align the top-level lines with each other, or begin a new document with '---'.",
    )


def sequence_entry(problem: Problem, at: int, index: LineIndex) -> Explanation:
    """A `- ` where no list may begin."""
    line = line_at(at, index)
    if line.text[: at - line.start].strip():
        return Explanation(
            at,
            at + 1,
            "A list item ('- ') cannot begin on the same line as its key.",
            "Start the list on the next line, or quote the value if '-' belongs to it.",
        )
    above = content_line_above(line.number, index)
    why = f": line {above.number} above it has a value already." if above else "."
    return Explanation(
        at,
        at + 1,
        f"A list item ('- ') is not allowed here{why}",
        "Check the indentation; a list stands under a key without a value.",
    )


def block_header(problem: Problem, at: int, index: LineIndex) -> Explanation:
    """Text on the line of `|` or `>`."""
    return Explanation(
        at,
        word_end(index.text, at),
        "Only an indentation digit, '+' or '-' and a comment may follow '|' or '>' on its line.",
        "Move the text to the next line, or quote the value if it begins with '|' or '>'.",
    )
