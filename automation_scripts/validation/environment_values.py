"""How the same key differs between two environments: by type, by magnitude, by how safe it is.

What environments are expected to have of their own (hosts, names, secrets, image tags) is no difference.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from automation_scripts.validation.environment_groups import Path, Value
from automation_scripts.validation.formats import duration_seconds, is_template, size_bytes
from automation_scripts.validation.scalars import is_false, is_null, is_true
from automation_scripts.validation.secret_words import name_class, words_of
from automation_scripts.validation.settings_found import Setting
from automation_scripts.validation.tree import Kind, Node, Style
from automation_scripts.validation.weak_settings import weaknesses
from automation_scripts.validation.yaml_types import resolve

FACTOR = 100.0
"""Numbers that are further apart than this are of another magnitude."""
_CAPACITY_FACTOR = 1024.0
_OWN_WORDS = frozenset(
    [
        "host",
        "hosts",
        "hostname",
        "url",
        "urls",
        "uri",
        "uris",
        "endpoint",
        "endpoints",
        "address",
        "domain",
        "domains",
        "name",
        "username",
        "user",
        "id",
        "ids",
        "uid",
        "gid",
        "version",
        "tag",
        "image",
        "region",
        "zone",
        "account",
        "project",
        "tenant",
        "key",
        "token",
        "secret",
        "password",
        "passphrase",
        "dsn",
        "email",
        "build",
        "release",
        "revision",
        "commit",
        "date",
        "year",
        "prefix",
        "suffix",
        "bucket",
        "arn",
        "digest",
        "hash",
        "salt",
    ]
)
"""Last words of what every environment has of its own."""
_NOT_MEASURED = frozenset(
    [
        "port",
        "ports",
        "seed",
        "number",
        "code",
        "phone",
        "rate",
        "ratio",
        "sample",
        "sampling",
        "percent",
        "percentage",
        "probability",
        "weight",
        "fraction",
        "order",
        "priority",
        "level",
        "mode",
        "mask",
        "vlan",
        "asn",
        "index",
        "offset",
        "epoch",
        "timestamp",
        "since",
        "db",
    ]
)
"""Numbers that count nothing, or whose size is a choice (a sample rate of 1.0 in staging, 0.01 in production)."""
_CAPACITY = frozenset(
    [
        "memory",
        "mem",
        "storage",
        "disk",
        "size",
        "bytes",
        "capacity",
        "quota",
        "heap",
        "space",
        "volume",
        "cpu",
        "cpus",
        "limit",
        "limits",
        "requests",
    ]
)
_SMALL_FOR_DEVELOPERS = frozenset(
    [
        "ttl",
        "cache",
        "age",
        "expiry",
        "expires",
        "expiration",
        "hsts",
        "retention",
        "keep",
        "days",
        "rounds",
        "cost",
        "history",
        "backlog",
        "buffer",
        "pool",
        "workers",
        "replicas",
        "instances",
        "connections",
        "threads",
        "concurrency",
        "interval",
    ]
)
_SIZE = re.compile(r"(?i)\d+(?:\.\d+)?\s*[kmgtpe]i?b?|\d+\s*b(?:ytes?)?")


@dataclass(frozen=True, slots=True)
class Amount:
    """A number with what it measures: `plain`, `duration` in seconds or `size` in bytes."""

    value: float
    measure: str


def expects_own_value(path: Path) -> bool:
    """True for a key whose values say who or where an environment is."""
    words = words_of(path[-1][:120])
    return name_class(path[-1]) is not None or (bool(words) and words[-1] in _OWN_WORDS)


def shape(node: Node) -> str | None:
    """`map`, `list`, `list of maps`, `number`, `boolean`, `text`; None when the final value cannot be known."""
    if node.kind is Kind.MAP:
        return "map"
    if node.kind is Kind.SEQ:
        kinds = {child.resolved().kind for child in node.children}
        return {Kind.MAP: "list of maps", Kind.SCALAR: "list of values"}.get(kinds.pop()) if len(kinds) == 1 else "list"
    if node.kind is not Kind.SCALAR or is_null(node) or not node.value.strip() or is_template(node.value):
        return None
    if node.tag is not None and node.tag.startswith("!") and not node.tag.startswith("!!"):
        return None
    return {"int": "number", "float": "number", "bool": "boolean", "str": "text"}.get(resolve(node).type)


def same_type(path: Path, mine: str, theirs: str) -> bool:
    """Whether two shapes go together: an empty or mixed list with any list, and own values with each other."""
    if mine == theirs:
        return True
    if mine.startswith("list") and theirs.startswith("list"):
        return "list" in (mine, theirs)
    scalars = {"number", "boolean", "text"}
    return mine in scalars and theirs in scalars and expects_own_value(path)


def amount(node: Node) -> Amount | None:
    """The number that a scalar is, by itself or with a unit; None for anything else."""
    if node.kind is not Kind.SCALAR or len(node.value) > 40:
        return None
    if shape(node) == "number":
        number = resolve(node).value
        return Amount(float(number), "plain") if isinstance(number, (int, float)) else None
    if shape(node) != "text":
        return None
    text = node.value.strip()
    if text.isascii() and re.fullmatch(r"\d+(?:\.\d+)?", text):
        return Amount(float(text), "plain")
    # `5m` is five minutes or five mebibytes; two such values are compared the same way either way.
    if (seconds := duration_seconds(text)) is not None:
        return Amount(seconds, "duration")
    if _SIZE.fullmatch(text) and (size := size_bytes(text)) is not None:
        return Amount(size, "size")
    return None


def apart(path: Path, mine: Amount, theirs: Amount, with_developers: bool) -> bool:
    """True when two amounts of the same measure are of another magnitude, and that is not by design.

    Args:
        path: the key path.
        mine: one amount.
        theirs: the other one.
        with_developers: one of them is of an environment of developers, where much is small or short.
    """
    if mine.measure != theirs.measure:
        return False
    words = [word for step in path[-2:] for word in words_of(step[:120])]
    own = set(words_of(path[-1][:120]))
    if expects_own_value(path) or own & _NOT_MEASURED or (with_developers and own & _SMALL_FOR_DEVELOPERS):
        return False
    low, high = sorted((abs(mine.value), abs(theirs.value)))
    # Zero and minus one mean "off" and "without end" and have no magnitude.
    if low == 0 or -1 in (mine.value, theirs.value):
        return False
    factor = _CAPACITY_FACTOR if mine.measure == "size" or set(words) & _CAPACITY else FACTOR
    return high / low >= factor


def unit_doubt(path: Path, mine: Node, theirs: Node) -> str:
    """A hint for messages when seconds and milliseconds, or numbers with and without a unit, seem mixed up."""
    one, other = amount(mine), amount(theirs)
    if one is None or other is None:
        return ""
    if {one.measure, other.measure} == {"plain", "duration"}:
        return "; one has a unit of time and the other has none"
    words = {word for step in path[-2:] for word in words_of(step[:120])}
    low, high = sorted((abs(one.value), abs(other.value)))
    if low and words & _TIMES and 500 <= high / low <= 5000:
        return "; one looks like seconds and the other like milliseconds"
    return ""


_TIMES = frozenset(
    [
        "timeout",
        "interval",
        "delay",
        "ttl",
        "duration",
        "wait",
        "period",
        "deadline",
        "grace",
        "age",
        "backoff",
        "expiry",
    ]
)


# How safe a value is.

_SWITCHES = frozenset({"enabled", "enable", "required", "require", "on", "active", "use", "is", "mode"})
_NEGATIONS = frozenset({"disable", "disabled", "skip", "no", "without", "bypass", "ignore", "insecure", "non"})
_UNSAFE_ON = frozenset({"debug", "insecure", "debugger", "playground", "introspection", "xdebug", "devtools"})
_UNSAFE_ON_PAIRS = (
    {"display", "errors"},
    {"show", "errors"},
    {"expose", "errors"},
    {"allow", "anonymous"},
    {"anonymous", "access"},
    {"allow", "any"},
    {"allow", "all"},
    {"trust", "all"},
    {"stack", "traces"},
)
_SAFE_ON = frozenset(
    [
        "verify",
        "verification",
        "ssl",
        "tls",
        "https",
        "auth",
        "authentication",
        "authorization",
        "secure",
        "csrf",
        "encrypt",
        "encryption",
        "encrypted",
        "mfa",
        "2fa",
        "waf",
        "firewall",
        "audit",
        "auditing",
        "ratelimit",
        "rbac",
        "hsts",
        "httponly",
        "starttls",
        "mtls",
    ]
)
_SAFE_ON_PAIRS = ({"rate", "limit"}, {"rate", "limiting"}, {"two", "factor"}, {"access", "control"}, {"http", "only"})
_CHATTY = frozenset({"debug", "trace", "verbose", "all", "silly", "finest", "finer"})
_OPEN_TO_ALL = re.compile(r"cors|origin|origins|allowed_hosts|allow_origins?|trusted", re.IGNORECASE)
_SAFE_SCHEMES = {
    "http": "https",
    "ws": "wss",
    "redis": "rediss",
    "amqp": "amqps",
    "ldap": "ldaps",
    "mqtt": "mqtts",
    "smtp": "smtps",
    "ftp": "ftps",
}
_URL = re.compile(r"([a-z]+)://(?:[^\s/@]*@)?([^\s/:?#]+)")
_PARAMETER = re.compile(r"[?&;]([A-Za-z][\w.-]{1,40})=([^&;\s\"']{1,40})")


def weaker(path: Path, mine: Value, theirs: Value, kind: str) -> bool:
    """True when the value at a path is less safe than the other one at the same path.

    Args:
        path: the key path.
        mine: the value in question.
        theirs: the value that it is held against.
        kind: the kind of the document, for the table of weak settings.
    """
    if mine.node.kind is Kind.SEQ or theirs.node.kind is Kind.SEQ:
        return _is_open(path, mine.node) and shape(theirs.node) is not None and not _is_open(path, theirs.node)
    if shape(mine.node) in (None, "map") or shape(theirs.node) in (None, "map"):
        return False
    if mine.node.value == theirs.node.value:
        return False
    if _switch(path, mine.node) is False and _switch(path, theirs.node) is True:
        return True
    if _is_log_level(path):
        return mine.node.value.lower() in _CHATTY and theirs.node.value.lower() not in _CHATTY
    if _is_open(path, mine.node) and not _is_open(path, theirs.node):
        return True
    if _scheme_is_weaker(mine.node.value, theirs.node.value):
        return True
    return _is_weak(path, mine, kind) and not _is_weak(path, theirs, kind)


def _switch(path: Path, node: Node) -> bool | None:
    """True when a switch stands on the safe side, False on the unsafe one, None when it is no such switch."""
    if not (is_true(node) or is_false(node)):
        return None
    words = _meaning(path)
    if words & _UNSAFE_ON or any(pair <= words for pair in _UNSAFE_ON_PAIRS):
        return is_false(node)
    if words & _SAFE_ON or any(pair <= words for pair in _SAFE_ON_PAIRS):
        return is_false(node) if words & _NEGATIONS else is_true(node)
    return None


def _meaning(path: Path) -> set[str]:
    """The words of a switch; `enabled` below `tls` is about `tls`."""
    for step in reversed(path[-2:]):
        words = set(words_of(step[:120]))
        if words - _SWITCHES:
            return words
    return set()


def _is_log_level(path: Path) -> bool:
    words = {word for step in path for word in words_of(step[:120])}
    own = set(words_of(path[-1][:120]))
    about_logs = words & {"log", "logs", "logging", "logger", "loggers", "loglevel"}
    return bool(about_logs) and bool(own & {"level", "verbosity", "loglevel"} or "level" in path[:-1])


def _is_open(path: Path, node: Node) -> bool:
    values = [node] if node.kind is Kind.SCALAR else [child.resolved() for child in node.children]
    named = any(_OPEN_TO_ALL.search("_".join(words_of(step[:120]))) for step in path[-2:])
    return named and any(value.kind is Kind.SCALAR and value.value.strip() == "*" for value in values)


def _scheme_is_weaker(mine: str, theirs: str) -> bool:
    here, there = _URL.match(mine), _URL.match(theirs)
    if not here or not there or _SAFE_SCHEMES.get(here[1]) != there[1]:
        return False
    host = here[2].lower()
    # Inside a cluster or on one machine plain text is the common choice.
    return "." in host and not re.search(r"^127\.|^10\.|^192\.168\.|\.(?:local|internal|svc|lan|localhost)$", host)


def _is_weak(path: Path, value: Value, kind: str) -> bool:
    """Whether the table of weak settings knows the value, or a parameter of the URL that it is."""
    words = [word for step in path[-3:] for word in words_of(step[:120])]
    text = value.node.value
    if len(text) > 500:
        return False
    candidates = [
        Setting(
            path[-1],
            "_".join(words),
            "_".join(words_of(path[-1][:120])),
            text,
            value.node,
            0,
            len(text),
            path,
            value.parent,
        )
    ]
    for found in _PARAMETER.finditer(text) if "=" in text else ():
        name = "_".join(words_of(found[1]))
        candidates.append(Setting(found[1], name, name, found[2], value.node, *found.span(2), path))
    return any(weakness.met_by(setting, kind) for setting in candidates for weakness in weaknesses())


def is_text_or_number(node: Node) -> bool:
    """True for a scalar that is neither empty nor a placeholder."""
    return node.kind is Kind.SCALAR and shape(node) is not None and node.style is not Style.LITERAL
