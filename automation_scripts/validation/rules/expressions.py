"""Business rules' expressions: CEL (Common Expression Language), compiled once, evaluated within a budget.

CEL has no loops without a bound, no side effects and linear-time regular expressions (RE2), so a rule file cannot
hang or harm the run. On top of the language stand the variables of `VARIABLES`, its strings extension (`split`,
`lowerAscii`, `format`...) and the functions of `FUNCTIONS`, which accept a value of any type.
Source: https://github.com/google/cel-spec
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from automation_scripts.validation.values import formats

VARIABLES = ("value", "key", "parent", "document", "file", "path", "kind", "environment")
"""What an expression may name: the selected node's data, its key, its parent's data, the document's data, the file's
name, the node's path, the document's kind, and the environment ("" when none was given)."""

_DATA_VARIABLES = ("value", "parent", "document")
_INT64 = 2**63


class ExpressionError(ValueError):
    """An expression that does not compile. `column` is 1-based within the expression, 0 when unknown."""

    def __init__(self, message: str, column: int = 0, line: int = 1) -> None:
        super().__init__(message)
        self.column = column
        self.line = line


class EvaluationError(ValueError):
    """An expression that could not be evaluated on some data; the text says why."""


class Expression:
    """A compiled CEL expression that answers true or false."""

    def __init__(self, text: str) -> None:
        """Compile `text`.

        Raises:
            ExpressionError: for a syntax error, an unknown name, a type error, or a result that is no boolean.
        """
        from cel_expr_python import cel

        self.text = text
        try:
            self._compiled = _environment().compile(text)
        except RuntimeError as error:
            raise _compile_error(str(error)) from None
        result = self._compiled.return_type()
        if result not in (cel.Type.BOOL, cel.Type.DYN):
            raise ExpressionError(f"the result is {result.name().lower()}, but it must be true or false")
        names = set(re.findall(r"[A-Za-z_]\w*", re.sub(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'', "", text)))
        self.needs = frozenset(names & set(VARIABLES))
        """The variables it names: the caller need not prepare the others."""

    def holds(self, variables: Mapping[str, Any]) -> bool:
        """The expression's answer for these variables (JSON-like data).

        Raises:
            EvaluationError: when there is no answer: a missing key, a wrong type, an exceeded budget.
        """
        from cel_expr_python import cel

        data = {
            name: _cel_data(variables.get(name)) if name in _DATA_VARIABLES else str(variables.get(name) or "")
            for name in self.needs
        }
        try:
            result = self._compiled.eval(data=data)
        except (RuntimeError, TypeError, ValueError, OverflowError) as error:
            raise EvaluationError(_reason(str(error))) from None
        if result.type() == cel.Type.ERROR:
            raise EvaluationError(_reason(str(result)))
        if result.type() != cel.Type.BOOL:
            raise EvaluationError(f"the answer is {result.type().name().lower()}, not true or false")
        return bool(result.value())


def _cel_data(value: Any) -> Any:
    """JSON-like data as CEL takes it: 64-bit integers, text without lone surrogates."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode() if not value.isascii() else value
    if isinstance(value, bool) or value is None or isinstance(value, float):
        return value
    if isinstance(value, int):
        return value if -_INT64 <= value < _INT64 else float(value)
    if isinstance(value, Mapping):
        return {_cel_data(str(key)): _cel_data(below) for key, below in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cel_data(below) for below in value]
    return str(value)


_STATUS = re.compile(r"^(?:[A-Z_]+: )?(?:ERROR: <input>:(\d+):(\d+): )?")


def _compile_error(text: str) -> ExpressionError:
    first = text.splitlines()[0] if text else "it does not compile"
    match = _STATUS.match(first)
    line, column = (int(match[1] or 1), int(match[2] or 0)) if match else (1, 0)
    message = first[match.end() :] if match else first
    message = re.sub(r" \(in container ''\)| \[[A-Z_]+\]$", "", message)
    message = re.sub(r" expecting \{.*\}$", "", message)
    return ExpressionError(message, column, line)


def _reason(text: str) -> str:
    text = re.sub(r" \[[A-Z_]+\]$", "", text.splitlines()[0] if text else "no reason given")
    return re.sub(r"^[A-Z_]+: ", "", text)[:200]


def _on_text(parser: Callable[[str], Any]) -> Callable[[Any], bool]:
    """True when `parser` finds something in a text; false for anything that is no text."""
    return lambda value: isinstance(value, str) and parser(value) is not None


def _without_error(check: Callable[[str], str | None]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and check(value) is None


def _number(name: str, parser: Callable[[str], float | None]) -> Callable[[Any], float]:
    def convert(value: Any) -> float:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
        number = parser(value) if isinstance(value, str) else None
        if number is None and isinstance(value, str):
            number = float(value) if re.fullmatch(r"[+-]?\d{1,18}(\.\d{1,18})?", value.strip()) else None
        if number is None:
            raise ValueError(f"{name}() cannot read this value")
        return number

    return convert


FUNCTIONS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "isTemplate": ("bool", lambda value: isinstance(value, str) and formats.is_template(value)),
    "isCron": ("bool", _without_error(lambda text: formats.cron_error(text))),
    "isQuartzCron": ("bool", _without_error(lambda text: formats.cron_error(text, quartz=True))),
    "isDuration": ("bool", _on_text(formats.duration_seconds)),
    "isQuantity": (
        "bool",
        lambda v: is_plain_number(v) or (isinstance(v, str) and formats.quantity(v) is not None),
    ),
    "isSize": (
        "bool",
        lambda v: is_plain_number(v) or (isinstance(v, str) and formats.size_bytes(v) is not None),
    ),
    "isAddress": ("bool", _without_error(formats.address_error)),
    "isCidr": ("bool", lambda v: isinstance(v, str) and "/" in v and formats.address_error(v) is None),
    "isHostname": ("bool", _without_error(formats.hostname_error)),
    "isUrl": ("bool", _without_error(formats.url_error)),
    "isEmail": ("bool", _without_error(formats.email_error)),
    "seconds": ("double", _number("seconds", formats.duration_seconds)),
    "quantity": ("double", _number("quantity", formats.quantity)),
    "bytes_of": ("double", _number("bytes_of", formats.size_bytes)),
}
"""Functions of one argument of any type: name -> (type of the result, implementation)."""


def is_plain_number(value: Any) -> bool:
    """True for numbers, false for booleans, which Python counts among them."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def check_types(text: str, value_type: str) -> None:
    """Compile an expression with a `value` of one type: int, double, string, bool, list or map; dyn for any.

    Raises:
        ExpressionError: the expression cannot be evaluated for such a value.
    """
    try:
        _environment(value_type).compile(text)
    except RuntimeError as error:
        raise _compile_error(str(error)) from None


@lru_cache(maxsize=8)
def _environment(value_type: str = "dyn") -> Any:
    from cel_expr_python import cel
    from cel_expr_python.ext import ext_strings

    types = {"bool": cel.Type.BOOL, "double": cel.Type.DOUBLE}
    functions = [
        cel.FunctionDecl(name, [cel.Overload(f"{name}_any", types[result], [cel.Type.DYN], impl=implementation)])
        for name, (result, implementation) in FUNCTIONS.items()
    ]
    variables = {name: cel.Type.DYN if name in _DATA_VARIABLES else cel.Type.STRING for name in VARIABLES}
    anything = cel.Type.DYN
    variables["value"] = {
        "int": cel.Type.INT,
        "double": cel.Type.DOUBLE,
        "string": cel.Type.STRING,
        "bool": cel.Type.BOOL,
        "list": cel.Type.List(anything),
        "map": cel.Type.Map(cel.Type.STRING, anything),
    }.get(value_type, anything)
    return cel.NewEnv(
        variables=variables,
        extensions=[ext_strings.ExtStrings(), cel.CelExtension("automation", functions)],
    )
