"""Realistic configuration, made from a seed: what people write, in the styles in which they write it."""

from __future__ import annotations

import json
from random import Random
from typing import Any

_WORDS = (
    "name image replicas ports environment labels spec template metadata containers volumes command args env resources "
    "limits requests cpu memory timeout retries enabled schedule on jobs steps uses with run strategy matrix version "
    "services networks depends_on restart healthcheck interval test database host port user ssl logging level handlers"
)
_KEYS = _WORDS.split()
_TEXTS = (
    "nginx:1.27.3", "registry.example/team/app:v2", "/var/lib/data", "http://example.com:8080/path?x=1#top", "500m",
    "128Mi", "30s", "* * * * *", "${VERSION}", "production", "a longer text of several words", "it's fine", "50%",
    "10.0.0.0/8", "say \"hi\"", "#fff", "key: value", "- dash", "true", "0755", "", "C:\\temp\\new", "[x]", "{y}",
)  # fmt: skip


def data_of(random: Random, depth: int = 0) -> dict[str, Any]:
    """A map as configuration has them: few levels, texts, numbers, lists of maps."""
    keys = random.sample(_KEYS, random.randint(2, 5 if depth else 6))
    return {key: _value(random, depth) for key in keys}


def _value(random: Random, depth: int) -> Any:
    kind = random.random()
    if depth < 4 and kind < 0.3:
        return data_of(random, depth + 1)
    if depth < 4 and kind < 0.4:
        return [data_of(random, depth + 2) for _ in range(random.randint(1, 3))]
    if kind < 0.55:
        return [random.choice(_TEXTS) for _ in range(random.randint(1, 4))]
    return random.choice((random.choice(_TEXTS), random.choice(_TEXTS), random.randint(0, 9000), True, None, 1.5))


def json_of(random: Random) -> str:
    """One object, indented as editors and formatters do it."""
    text = json.dumps(data_of(random), indent=random.choice((2, 2, 4, "\t")), ensure_ascii=False)
    return text + random.choice(("\n", "\n", ""))


def yaml_of(random: Random) -> str:
    """A file of block style with some flow style, quotes, comments, block texts and several documents."""
    step = random.choice((2, 2, 4))
    documents = []
    for _ in range(random.choice((1, 1, 1, 2))):
        lines: list[str] = []
        _block(random, data_of(random), 0, step, lines)
        documents.append("\n".join(lines) + "\n")
    head = random.choice(("", "", "---\n", "# A comment: with a colon\n---\n"))
    return head + "---\n".join(documents)


def _block(random: Random, value: dict[str, Any], indent: int, step: int, lines: list[str]) -> None:
    for key, item in value.items():
        if random.random() < 0.05:
            lines.append(f"{' ' * indent}# about the {key}")
        _entry(random, f"{' ' * indent}{key}:", item, indent, step, lines)
        if random.random() < 0.04:
            lines.append("")


def _entry(random: Random, head: str, item: Any, indent: int, step: int, lines: list[str]) -> None:
    if isinstance(item, dict):
        lines.append(head)
        _block(random, item, indent + step, step, lines)
    elif isinstance(item, list) and item and isinstance(item[0], dict):
        lines.append(head)
        at = indent + random.choice((0, step))
        for child in item:
            below: list[str] = []
            _block(random, child, at + 2, step, below)
            first = next(number for number, line in enumerate(below) if line.strip() and "#" not in line[: at + 3])
            lines.extend(below[:first])
            lines.append(f"{' ' * at}- {below[first].lstrip()}")
            lines.extend(below[first + 1 :])
    elif isinstance(item, list) and random.random() < 0.4:
        lines.append(f"{head} [{', '.join(_scalar(random, child, flow=True) for child in item)}]")
    elif isinstance(item, list):
        lines.append(head)
        at = indent + random.choice((0, step))
        lines.extend(f"{' ' * at}- {_scalar(random, child)}" for child in item)
    elif isinstance(item, str) and " " in item and random.random() < 0.2:
        lines.extend([f"{head} |", f"{' ' * (indent + step)}{item}", f"{' ' * (indent + step)}second line: here"])
    else:
        comment = "  # why" if random.random() < 0.05 else ""
        lines.append(f"{head} {_scalar(random, item)}{comment}".rstrip(" ") if item is not None else head)


def _scalar(random: Random, item: Any, *, flow: bool = False) -> str:
    if not isinstance(item, str):
        return json.dumps(item)
    plain = item and item[0] not in "-#[]{}*&!|>'\"%@`?:, " and ": " not in item and " #" not in item
    if plain and not (flow and any(mark in item for mark in ",[]{}")) and random.random() < 0.7:
        return item
    return json.dumps(item, ensure_ascii=False) if random.random() < 0.6 else "'" + item.replace("'", "''") + "'"
