"""`${{ ... }}` of GitHub workflows: where expressions stand in a text, and what one refers to, calls, or gets wrong.

Source: "Evaluate expressions in workflows and actions" of GitHub's documentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field


def expressions_in(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, inner text) of every `${{ ... }}`; start and end include the braces. Linear, whatever the text is."""
    start = text.find("${{")
    while start >= 0:
        end = text.find("}}", start + 3)
        if end < 0:
            return
        end = _outside_of_quotes(text, start + 3, end)
        yield start, end + 2, text[start + 3 : end]
        start = text.find("${{", end + 2)


def _outside_of_quotes(text: str, start: int, end: int) -> int:
    """The first `}}` from `end` on that no quoted text holds (`format('{{0}}')`); `end` when there is none near."""
    first, at, quotes = end, start, 0
    for _ in range(8):
        quotes += text.count("'", at, end)
        if quotes % 2 == 0:
            return end
        at, end = end, text.find("}}", end + 2)
        if end < 0:
            break
    return first


@dataclass(frozen=True, slots=True)
class Name:
    """One name in an expression, as written, and its offset there."""

    text: str
    start: int

    @property
    def end(self) -> int:
        """The offset after the name."""
        return self.start + len(self.text)

    @property
    def low(self) -> str:
        """The name as it is compared: expressions ignore case."""
        return self.text.lower()


@dataclass(frozen=True, slots=True)
class Call:
    """A function call: its name and the number of its arguments."""

    name: Name
    arguments: int


@dataclass(slots=True)
class Expression:
    """What one expression holds."""

    references: list[tuple[Name, ...]] = field(default_factory=list)
    """`steps.build.outputs.tag` as its names; it ends where an index or `*` is computed."""
    calls: list[Call] = field(default_factory=list)
    error: str = ""
    """Why the text is no expression; empty when it is one."""
    error_at: int = 0


_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')|(?P<number>[+-]?(?:0x[0-9a-fA-F]+|0o[0-7]+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.]))"
    r"|(?P<name>[A-Za-z_][\w-]*)|(?P<operator>&&|\|\||==|!=|<=|>=|[()\[\].,!<>*])|(?P<end>$)|(?P<bad>\S))"
)
_LITERALS = frozenset(("true", "false", "null", "nan", "infinity"))
_MAX_TOKENS = 3000
_MAX_NESTING = 50


class _Wrong(Exception):
    """The text is no expression."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.message, self.at = message, at


def parse_expression(text: str) -> Expression:
    """What the inner text of `${{ }}` holds. Never raises: a text that is no expression has an `error`."""
    found = Expression()
    try:
        _Parser(text, found).whole()
    except _Wrong as wrong:
        found.error, found.error_at = wrong.message, min(wrong.at, max(len(text) - 1, 0))
    return found


class _Parser:
    def __init__(self, text: str, found: Expression) -> None:
        self.found = found
        self.tokens: list[tuple[str, str, int]] = []
        self.at = 0
        self.nesting = 0
        position = 0
        while len(self.tokens) < _MAX_TOKENS:
            match = _TOKEN.match(text, position)
            assert match is not None and match.lastgroup is not None  # `end` and `bad` take whatever is left
            kind, piece, start = match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)
            if kind == "bad":
                raise _Wrong(_why_bad(piece), start)
            self.tokens.append((kind, piece, start))
            if kind == "end":
                return
            position = match.end()
        self.tokens.append(("end", "", position))

    def peek(self) -> str:
        kind, piece, _ = self.tokens[self.at]
        return piece if kind == "operator" else kind

    def take(self) -> tuple[str, str, int]:
        token = self.tokens[self.at]
        self.at += token[0] != "end"
        return token

    def expect(self, operator: str) -> None:
        kind, piece, start = self.take()
        if kind != "operator" or piece != operator:
            raise _Wrong(f"'{operator}' is missing" + (f" before '{piece}'" if piece else " at the end"), start)

    def whole(self) -> None:
        if self.peek() == "end":
            raise _Wrong("the expression is empty", 0)
        self.chain()
        kind, piece, start = self.take()
        if kind != "end":
            raise _Wrong(f"'{piece}' cannot stand here", start)

    def chain(self) -> None:
        """Operands with operators between them: what binds closer does not matter for what is named."""
        self.nesting += 1
        if self.nesting > _MAX_NESTING:
            raise _Wrong("it is nested too deep", self.tokens[self.at][2])
        self.operand()
        while self.peek() in ("&&", "||", "==", "!=", "<", "<=", ">", ">="):
            self.take()
            self.operand()
        self.nesting -= 1

    def operand(self) -> None:
        while self.peek() == "!":
            self.take()
        kind, piece, start = self.take()
        if kind in ("string", "number") or (kind == "name" and piece.lower() in _LITERALS):
            return
        if piece == "(" and kind == "operator":
            self.chain()
            self.expect(")")
            self.steps([])
        elif kind == "name" and self.peek() == "(":
            self.call(Name(piece, start))
            self.steps([])
        elif kind == "name":
            names = [Name(piece, start)]
            self.steps(names)
            self.found.references.append(tuple(names))
        else:
            raise _Wrong(f"'{piece}' cannot stand here" if piece else "a value is missing at the end", start)

    def call(self, name: Name) -> None:
        self.take()
        count = 0
        if self.peek() != ")":
            self.chain()
            count = 1
            while self.peek() == ",":
                self.take()
                self.chain()
                count += 1
        self.expect(")")
        self.found.calls.append(Call(name, count))

    def steps(self, names: list[Name]) -> None:
        """`.name`, `.*` and `[index]` after a value; only the steps up to the first computed one are names."""
        fixed = bool(names)
        while self.peek() in (".", "["):
            _, opener, _ = self.take()
            if opener == ".":
                kind, piece, start = self.take()
                if kind == "operator" and piece == "*":
                    fixed = False
                elif kind == "name":
                    if fixed:
                        names.append(Name(piece, start))
                else:
                    raise _Wrong("a name is missing after '.'", start)
                continue
            kind, piece, start = self.tokens[self.at]
            if kind == "string" and self.tokens[self.at + 1][1] == "]" and fixed:
                names.append(Name(piece[1:-1], start + 1))
                self.take()
            elif self.peek() == "*":
                fixed = False
                self.take()
            else:
                fixed = False
                self.chain()
            self.expect("]")


def _why_bad(piece: str) -> str:
    if piece == '"':
        return "texts stand in single quotes, not in double ones"
    if piece == "'":
        return "the text is not closed: a quote is missing"
    if piece in "&|=":
        return f"'{piece}' is no operator: write '{piece * 2}'"
    return f"'{piece}' cannot stand in an expression"
