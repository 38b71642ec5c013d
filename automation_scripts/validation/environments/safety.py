"""Whether production is protected less than another environment: switches, log levels, wildcards, URLs.

The table of weak settings (`weak_settings.yaml`) knows what tools call their protections; here only the difference
counts, so plain words (`tls: false` against `tls: true`) are enough too.
"""

from __future__ import annotations

import re

from automation_scripts.validation.documents.scalars import is_false, is_true
from automation_scripts.validation.documents.settings_found import Setting
from automation_scripts.validation.documents.tree import Kind, Node
from automation_scripts.validation.environments.configurations import Path, Value
from automation_scripts.validation.environments.values import shape
from automation_scripts.validation.environments.words import listed, pairs_listed
from automation_scripts.validation.security.weak_settings import weaknesses
from automation_scripts.validation.values.secret_words import words_of

_SWITCHES = listed("switches")
_NEGATIONS = listed("negations")
_UNSAFE_ON = listed("unsafe on")
_UNSAFE_ON_PAIRS = pairs_listed("unsafe on, pairs")
_SAFE_ON = listed("safe on")
_SAFE_ON_PAIRS = pairs_listed("safe on, pairs")
_LOGS = listed("logs")
_CHATTY = listed("chatty levels")
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


def is_unsafe_switch(path: Path, node: Node) -> bool:
    """True for a switch on its unsafe side, whatever other environments have: `debug: true`."""
    return node.kind is Kind.SCALAR and is_true(node) and _switch(path, node) is False


def _switch(path: Path, node: Node) -> bool | None:
    """True when a switch stands on the safe side, False on the unsafe one, None when it is no such switch."""
    if not (is_true(node) or is_false(node)):
        return None
    spoken = _meaning(path)
    words = set(spoken)
    if words & _UNSAFE_ON or any(pair <= words for pair in _UNSAFE_ON_PAIRS):
        return is_false(node)
    # The last word is what a switch is about: `verify_depth` and `auth_timeout` are none.
    about = [word for word in spoken if word not in _SWITCHES and word not in _NEGATIONS]
    if about and (about[-1] in _SAFE_ON or any(pair <= words for pair in _SAFE_ON_PAIRS)):
        return is_false(node) if words & _NEGATIONS else is_true(node)
    return None


def _meaning(path: Path) -> list[str]:
    """The words of a switch; `enabled` below `tls` is about `tls`."""
    for step in reversed(path[-2:]):
        words = words_of(step[:120])
        if set(words) - _SWITCHES:
            return words
    return []


def _is_log_level(path: Path) -> bool:
    words = {word for step in path for word in words_of(step[:120])}
    own = set(words_of(path[-1][:120]))
    about_logs = words & _LOGS
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
