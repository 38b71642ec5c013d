"""Small languages inside scalars: durations, sizes, quantities, cron, addresses, URLs. Each parser is pure.

A parser answers None for text that is not of its form; a `*_error` function answers why it is not, or None when
the text is fine. Nothing here raises for bad text.
"""

from __future__ import annotations

import ipaddress
import re

_UNIT_SECONDS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 604800.0,
}
_UNIT_NAMES = {
    "nanosecond": "ns",
    "nsec": "ns",
    "microsecond": "us",
    "usec": "us",
    "millisecond": "ms",
    "milli": "ms",
    "msec": "ms",
    "second": "s",
    "sec": "s",
    "minute": "m",
    "min": "m",
    "hour": "h",
    "hr": "h",
    "day": "d",
    "week": "w",
}
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-zµμ]+)\s*")
_ISO_DURATION = re.compile(
    r"P(?:(\d+(?:\.\d+)?)Y)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)W)?(?:(\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?"
)
_ISO_SECONDS = (31_556_952.0, 2_629_746.0, 604_800.0, 86_400.0, 3600.0, 60.0, 1.0)


def duration_seconds(text: str) -> float | None:
    """Seconds of a duration with units: `90s`, `1h30m`, `500ms`, `2 days`, `PT1H` (ISO 8601). None without a unit."""
    text = text.strip().lstrip("+")
    if text.startswith("P"):
        return _iso_seconds(text)
    total, end = 0.0, 0
    for part in _DURATION_PART.finditer(text):
        if part.start() != end:
            return None
        unit = part[2]
        lowered = unit.lower()
        unit = _UNIT_NAMES.get(lowered.removesuffix("s") or lowered, lowered)
        if unit not in _UNIT_SECONDS:
            return None
        total += float(part[1]) * _UNIT_SECONDS[unit]
        end = part.end()
    return total if end and end == len(text) else None


def _iso_seconds(text: str) -> float | None:
    match = _ISO_DURATION.fullmatch(text)
    if not match or text.endswith(("P", "T")):
        return None
    return sum(float(n) * unit for n, unit in zip(match.groups(), _ISO_SECONDS, strict=True) if n)


_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d{1,3})|([numkMGTPE]|[KMGTPE]i)?)")
_QUANTITY_SCALE = {
    "n": 1e-9,
    "u": 1e-6,
    "m": 1e-3,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "P": 1e15,
    "E": 1e18,
    "Ki": 2.0**10,
    "Mi": 2.0**20,
    "Gi": 2.0**30,
    "Ti": 2.0**40,
    "Pi": 2.0**50,
    "Ei": 2.0**60,
}


def quantity(text: str) -> float | None:
    """A Kubernetes resource quantity as a plain number: `250m` is 0.25, `1Gi` is 1073741824."""
    match = _QUANTITY.fullmatch(text.strip())
    if not match:
        return None
    number, exponent, suffix = match.groups()
    return float(number + exponent) if exponent else float(number) * _QUANTITY_SCALE.get(suffix or "", 1.0)


_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(b|bytes?|[kmgtpe](?:i?b?|bytes?)?)?", re.IGNORECASE)


def size_bytes(text: str) -> float | None:
    """Bytes of a size as Docker and most daemons write it: `512m`, `1gb`, `64KiB` (all powers of 1024)."""
    match = _SIZE.fullmatch(text.strip())
    if not match:
        return None
    unit = (match[2] or "b").lower()[0]
    return float(match[1]) * 1024.0 ** ("bkmgtpe".index(unit))


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_CRON_MACROS = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly", "@reboot")
_CRON_FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 7, _DAYS),
)
_SECOND_FIELD = ("second", 0, 59, ())
_YEAR_FIELD = ("year", 1970, 2199, ())
_QUARTZ_DAY = re.compile(r"L(?:-\d{1,2})?|LW|\d{1,2}W|(?:\d|[A-Za-z]{3})(?:L|#[1-5])")


def cron_error(text: str, *, quartz: bool = False) -> str | None:
    """Why `text` is no cron expression. `quartz` also allows 6 or 7 fields and `?`, `L`, `W`, `#`.

    Source: crontab(5); Quartz CronExpression for the extensions.
    """
    text = text.strip()
    if text.startswith("@"):
        if text.lower() in _CRON_MACROS:
            return None
        if text.lower().startswith("@every ") and duration_seconds(text[7:]) is not None:
            return None
        return f"{text.split()[0]} is no known shorthand; known are {', '.join(_CRON_MACROS)}"
    fields = text.split()
    if fields and re.match(r"(CRON_)?TZ=", fields[0]):
        fields = fields[1:]
    wanted = (5, 6, 7) if quartz else (5,)
    if len(fields) not in wanted:
        return f"it has {len(fields)} fields where {' to '.join(map(str, sorted({wanted[0], wanted[-1]})))} are needed"
    layout = list(_CRON_FIELDS)
    if len(fields) >= 6:
        layout.insert(0, _SECOND_FIELD)
    if len(fields) == 7:
        layout.append(_YEAR_FIELD)
    for field, (name, low, high, words) in zip(fields, layout, strict=True):
        for part in field.split(","):
            if problem := _cron_part_error(part, name, low, high, words, quartz):
                return problem
    return None if quartz else _impossible_day(fields)


def _cron_part_error(part: str, name: str, low: int, high: int, words: tuple[str, ...], quartz: bool) -> str | None:
    if quartz and name.startswith("day") and (part == "?" or _QUARTZ_DAY.fullmatch(part)):
        return None
    base, slash, step = part.partition("/")
    if slash and not (step.isascii() and step.isdigit() and 1 <= int(step[:9]) <= high + 1):
        return f"the step '{step}' of the {name} field is not a number from 1 to {high}"
    if base == "*":
        return None
    start, dash, end = base.partition("-")
    numbers = []
    for item in (start, end) if dash else (start,):
        number = _cron_number(item, low, words)
        if number is None or not low <= number <= high:
            return f"'{item}' of the {name} field is not from {low} to {high}"
        numbers.append(number)
    # Sunday ends a range as 7 in numbers; by name it is 0.
    if dash and numbers[1] == 0 and words is _DAYS:
        numbers[1] = 7
    if dash and numbers[0] > numbers[1] and not quartz:
        return f"the range '{base}' of the {name} field runs backwards"
    return None


def _cron_number(item: str, low: int, words: tuple[str, ...]) -> int | None:
    if item.isascii() and item.isdigit():
        return int(item[:9])
    return words.index(item.lower()) + (low if words is _MONTHS else 0) if item.lower() in words else None


def _impossible_day(fields: list[str]) -> str | None:
    """30 February and its like: the job would never run."""
    day, month = fields[2], fields[3].lower()
    if not day.isdigit() or fields[4] != "*":
        return None
    numbers = [_cron_number(m, 1, _MONTHS) for m in month.split(",")]
    if any(n is None for n in numbers):
        return None
    longest = max((29 if n == 2 else 30 if n in (4, 6, 9, 11) else 31) for n in numbers if n)
    return f"day {day} does not exist in month {month}, so it never runs" if int(day) > longest else None


def address_error(text: str) -> str | None:
    """Why `text` is no IPv4 or IPv6 address or CIDR block."""
    try:
        if "/" in text:
            ipaddress.ip_network(text, strict=False)
        else:
            ipaddress.ip_address(text)
    except ValueError as error:
        return str(error).replace("'", '"')
    return None


def cidr_host_bits(text: str) -> str | None:
    """The network that a CIDR block with host bits set (`10.0.0.5/8`) stands for; None when it has none."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    given = text.partition("/")[0]
    return None if ipaddress.ip_address(given) == network.network_address else str(network)


_HOST = re.compile(
    r"(?=.{1,253}\.?\Z)(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?"
)
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^\s/?#]*)([^\s]*)")


def hostname_error(text: str) -> str | None:
    """Why `text` is no host name (RFC 1123, with underscores as Docker and DNS records use them)."""
    if _HOST.fullmatch(text):
        labels = text.rstrip(".").split(".")
        # All-numeric with dots is an address, and 256.1.1.1 is a bad one.
        if len(labels) == 4 and all(label.isdigit() for label in labels):
            return address_error(text.rstrip("."))
        return None
    return "it is neither an address nor a host name"


def url_error(text: str) -> str | None:
    """Why `text` is no absolute URL with a host (RFC 3986); `unix:` and `file:` need no host."""
    match = _URL.fullmatch(text)
    if not match:
        return "it contains white space" if re.search(r"\s", text) else "it has no scheme followed by '://'"
    scheme, authority, _ = match.groups()
    if scheme.lower() in ("file", "unix", "sqlite", "jdbc") or scheme.lower().startswith("sqlite+"):
        return None
    host = authority.rpartition("@")[2]
    if host.startswith("["):
        address, bracket, port = host[1:].partition("]")
        if not bracket or address_error(address.partition("%")[0]):
            return "the IPv6 address in brackets is not valid"
        port = port.removeprefix(":")
    else:
        host, _, port = host.partition(":")
        if not host:
            return "it has no host"
        # Several hosts in one URL (databases) are checked one by one by their own drivers.
        if "," not in authority and (problem := hostname_error(host)):
            return f"the host '{host}' is not valid: {problem}"
    if port and "," not in authority and not (port.isdigit() and 0 < int(port[:9]) <= 65535):
        return f"the port '{port}' is not from 1 to 65535"
    return None


_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(.+)")


def email_error(text: str) -> str | None:
    """Why `text` is no e-mail address (the HTML standard's form); a display name (`Ann <ann@x.org>`) is allowed."""
    if named := re.fullmatch(r"[^<>]*<([^<>]+)>", text.strip()):
        text = named[1]
    match = _EMAIL.fullmatch(text)
    if not match:
        return "it is not of the form name@domain"
    return "its domain is not valid" if hostname_error(match[1]) else None


_TEMPLATE = re.compile(
    r"\$\{|\$\(|\$\$?[A-Za-z_]\w*|\{\{|\{%|<%|%\(\w+\)|%\{|#\{|%[A-Za-z_]+%|@[A-Za-z_.]+@|__[A-Z][A-Z0-9_]*__|\{[A-Za-z_][\w.]*\}"
    r"|<[A-Za-z][\w .:/-]*>|\b(?:REPLACE|CHANGE)[-_ ]?ME\b"
)


def is_template(text: str) -> bool:
    """True when the text holds a placeholder that another tool fills in: its final form cannot be judged here."""
    return _TEMPLATE.search(text) is not None
