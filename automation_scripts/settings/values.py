"""The typed values of a settings file: `5%`, `"1h"`, `"2x_baseline"`, bounded numbers, paths and URLs.

Each type carries an `Allowed` text: what a person may write there. Error messages are made from it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, Strict, StringConstraints, ValidationInfo
from pydantic_core import PydanticCustomError

from automation_scripts.catalog import SCRIPTS

LONGEST_S = 366 * 86400.0
"""The longest duration that is accepted, in seconds: more is a mistaken unit."""

_NUMBER = r"\d{1,12}(?:\.\d{1,12})?"
_PERCENT = re.compile(rf"({_NUMBER})\s?%", re.ASCII)
_UNITS_S = {
    "w": Decimal(604800),
    "d": Decimal(86400),
    "h": Decimal(3600),
    "m": Decimal(60),
    "s": Decimal(1),
    "ms": Decimal("0.001"),
}
_DURATION = re.compile("".join(f"(?:({_NUMBER}){unit})?" for unit in _UNITS_S), re.ASCII)
_PLAIN_SECONDS = re.compile(_NUMBER, re.ASCII)
_MULTIPLE = re.compile(rf"({_NUMBER})x_baseline", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may be written for a value, as a noun phrase: `a whole number from 1 to 1000`."""

    text: str


@dataclass(frozen=True, slots=True)
class BaselineMultiple:
    """A limit relative to what is usual: `2x_baseline` is twice the baseline."""

    factor: float

    def of(self, baseline: float) -> float:
        """The limit, in the unit of `baseline`."""
        return self.factor * baseline

    def __str__(self) -> str:
        return f"{self.factor:g}x_baseline"


def parse_fraction(value: object) -> float:
    """`5%` or 0.05 to 0.05, in [0, 1]. A bare whole number over 0 is refused: 1 could mean 1 % or 100 %.

    Raises ValueError.
    """
    if isinstance(value, str) and (found := _PERCENT.fullmatch(value.strip())):
        fraction = float(Decimal(found[1]) / 100)  # by way of Decimal, so that 7% is 0.07 and nothing near it
    elif isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool) and value == 0):
        fraction = float(value)
    else:
        raise ValueError
    if not 0 <= fraction <= 1:
        raise ValueError("it is outside 0% to 100%")
    return fraction


def parse_duration(value: object) -> float:
    """Seconds of `1h`, `1h30m`, `250ms`, `90` or `"90"`: over 0, at most `LONGEST_S`. Raises ValueError."""
    seconds: float
    if isinstance(value, str):
        text = value.strip()
        if _PLAIN_SECONDS.fullmatch(text):
            seconds = float(text)
        elif text and (found := _DURATION.fullmatch(text)):
            parts = zip(found.groups(), _UNITS_S.values(), strict=True)
            seconds = float(sum((Decimal(number) * unit for number, unit in parts if number), Decimal(0)))
        else:
            raise ValueError
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        seconds = float(value) if abs(value) <= LONGEST_S else math.inf
    else:
        raise ValueError
    if not 0 < seconds <= LONGEST_S:
        raise ValueError("it is not over 0 and up to 366 days")
    return seconds


def parse_baseline_multiple(value: object) -> BaselineMultiple:
    """`2x_baseline` to a multiple of 2; the factor is over 1 and at most 1000. Raises ValueError."""
    if isinstance(value, BaselineMultiple):
        return value
    found = _MULTIPLE.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found or not 1 < float(found[1]) <= 1000:
        raise ValueError
    return BaselineMultiple(float(found[1]))


def _history_url(value: object) -> str:
    """A database URL that keeps the history: a memory database or a relative path would lose it."""
    if not isinstance(value, str) or any(c.isspace() for c in value):
        raise ValueError
    scheme, _, rest = value.partition("://")
    if scheme in ("sqlite", "sqlite+pysqlite"):
        path = rest.removeprefix("/").partition("?")[0]
        if not (rest.startswith("/") and Path(path).is_absolute()) or path.strip("/") == "":
            raise ValueError("the path of the SQLite file must be absolute")
    elif scheme not in ("postgresql", "postgresql+psycopg") or not rest.strip("/"):
        raise ValueError
    return value


def _http_url(value: object) -> str:
    if not isinstance(value, str) or any(c.isspace() for c in value):
        raise ValueError
    parts = urlsplit(value)
    if parts.port == 0 or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError
    return value.rstrip("/")


def _issuer(value: object) -> str:
    """Exactly as the provider writes it: OpenID Connect compares issuers as texts."""
    _http_url(value)
    return str(value)


def _path(value: object) -> Path:
    if not isinstance(value, (str, Path)) or not str(value).strip() or "\0" in str(value):
        raise ValueError
    try:
        path = Path(value).expanduser()
    except RuntimeError:
        raise ValueError("there is no such user") from None
    if not path.is_absolute():
        raise ValueError("it is relative, and the working folders of workers differ")
    return path


def _name(value: object) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValueError
    return value


def _known_environment(value: str, info: ValidationInfo) -> str:
    # The names come from the same file, so the loader passes them in; without them any name will do.
    known = (info.context or {}).get("environments")
    if known is not None and value not in known:
        raise PydanticCustomError("unknown_name", "unknown environment", {"known": tuple(known)})
    return value


def _known_script(value: str) -> str:
    if value not in SCRIPTS:
        raise PydanticCustomError("unknown_name", "unknown script", {"known": tuple(SCRIPTS)})
    return value


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _each_once(value: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(value)) != len(value):
        raise ValueError("something is listed twice")
    return value


Count = Annotated[int, Strict(), Field(ge=1, le=1000), Allowed("a whole number from 1 to 1000")]
Port = Annotated[int, Strict(), Field(ge=1, le=65535), Allowed("a port number from 1 to 65535")]
Approvers = Annotated[int, Strict(), Field(ge=1, le=20), Allowed("a whole number from 1 to 20")]
Retries = Annotated[int, Strict(), Field(ge=0, le=20), Allowed("a whole number from 0 to 20")]
Flag = Annotated[bool, Strict(), Allowed("true or false, without quotes")]
Fraction = Annotated[
    float,
    BeforeValidator(parse_fraction),
    Allowed("a percentage from 0% to 100%, such as 5%, or its fraction, such as 0.05"),
]
"""A share in [0, 1]."""
Seconds = Annotated[
    float,
    BeforeValidator(parse_duration),
    Allowed("a duration: seconds such as 90, or units such as 30s, 5m, 1h, 1h30m, 2d, up to 366d"),
]
"""A duration in seconds, over 0."""
LoginLifetime = Annotated[
    float,
    BeforeValidator(parse_duration),
    Field(gt=0, le=12 * 3600.0),
    Allowed("a duration such as 30m or 1h, up to 12h"),
]
Multiple = Annotated[
    BaselineMultiple,
    BeforeValidator(parse_baseline_multiple),
    Allowed("a multiple of the baseline over 1, such as 2x_baseline or 1.5x_baseline"),
]
HistoryUrl = Annotated[
    str,
    BeforeValidator(_history_url),
    Allowed("sqlite:////absolute/path/history.db or postgresql+psycopg://user@host/database"),
]
HttpUrl = Annotated[str, BeforeValidator(_http_url), Allowed("an http or https URL such as http://127.0.0.1:4200/api")]
IssuerUrl = Annotated[str, BeforeValidator(_issuer), Allowed("an https URL, exactly as the provider writes it")]
FilePath = Annotated[Path, BeforeValidator(_path), Allowed("an absolute path, or one that begins with ~")]
NewName = Annotated[
    str,
    BeforeValidator(_name),
    Allowed("a name of letters, digits, dots, dashes and underscores, at most 64"),
]
"""A name that is being defined."""
EnvironmentName = Annotated[
    str, AfterValidator(_known_environment), Allowed("a name that is listed under environments")
]
"""A name that must be one of `environments`."""
RoleName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$"),
    Allowed("the name of a role such as release-manager"),
]
BucketPath = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?$"),
    Allowed("the name of an S3 bucket, with a prefix if wanted: bucket/prefix"),
]
ScriptName = Annotated[str, AfterValidator(_known_script), Allowed("the name of a script")]
EachOnce = AfterValidator(_each_once)
AnyCase = BeforeValidator(_upper)
NullIsEmpty = BeforeValidator(lambda value: {} if value is None else value)
