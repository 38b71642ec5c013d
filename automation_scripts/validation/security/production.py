"""Whether a setting is meant for production: by its file's name, or by what is said beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from automation_scripts.validation.documents.corpus import CheckedDocument
from automation_scripts.validation.documents.scalars import named_value, text_of
from automation_scripts.validation.documents.settings_found import Setting
from automation_scripts.validation.documents.tree import Kind, Node

_FILE = re.compile(r"(?:^|[/._-])(?:prod|production|live)(?:[/._-]|$)", re.IGNORECASE)
_NAMES = frozenset(
    (
        "NODE_ENV",
        "APP_ENV",
        "APPLICATION_ENV",
        "RAILS_ENV",
        "RACK_ENV",
        "FLASK_ENV",
        "DJANGO_ENV",
        "SYMFONY_ENV",
        "ENV",
        "ENVIRONMENT",
        "ASPNETCORE_ENVIRONMENT",
        "SPRING_PROFILES_ACTIVE",
        "DEPLOY_ENV",
        "STAGE",
        "env",
        "environment",
        "stage",
        "profile",
    )
)
_VALUES = ("production", "prod", "live")


def is_production(document: CheckedDocument, setting: Setting) -> bool:
    """True when the file's name says so, or a setting beside or at the top (`NODE_ENV: production`)."""
    if _FILE.search(document.file.name):
        return True
    holders = [document.root, document.root.at(setting.path[:-1]), document.root.at(setting.path[:-2])]
    return any(_says_production(name, value) for node in holders if node is not None for name, value in _named(node))


def _says_production(name: str, value: str) -> bool:
    return name in _NAMES and value.strip("\"'").lower() in _VALUES


def _named(node: Node) -> Iterator[tuple[str, str]]:
    for key, value in node.entries:
        yield key.value, text_of(value) or ""
    for child in node.children:
        item = child.resolved()
        if item.kind is Kind.SCALAR:
            name, _, text = item.value.partition("=")
            yield name, text
        elif item.kind is Kind.MAP and (found := named_value(item)):
            yield found[0], found[1].value
