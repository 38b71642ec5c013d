"""Which files are configuration, and how they are written: by name first, by content where the name says
nothing."""

from __future__ import annotations

import re
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import PurePosixPath


class FileKind(StrEnum):
    """How a file is read."""

    YAML = "yaml"
    JSON = "json"
    JSONC = "jsonc"
    """JSON with comments and trailing commas."""
    TEMPLATE = "template"
    """Text with placeholders that becomes YAML or JSON only after rendering."""
    ENV = "env"
    """`NAME=value` lines."""


_YAML_SUFFIXES = frozenset({".yaml", ".yml"})
_TEMPLATED = frozenset({".yaml", ".yml", ".json"})
_JSONC_SUFFIXES = frozenset({".jsonc", ".code-workspace", ".sublime-settings", ".sublime-project"})
_YAML_NAMES = frozenset({".yamllint", ".clang-format", ".clang-tidy", ".clangd", ".gemrc", ".condarc", ".ansible-lint"})
_JSONC_NAMES = (
    "tsconfig.json",
    "tsconfig.*.json",
    "jsconfig.json",
    "devcontainer.json",
    ".devcontainer.json",
    ".eslintrc.json",
    ".eslintrc",
    ".jshintrc",
    ".jscsrc",
    ".babelrc",
    ".babelrc.json",
    ".swcrc",
    "api-extractor.json",
    "deno.json",
    "biome.json",
    "turbo.json",
    "rush.json",
    "nx.json",
    "wrangler.json",
    "language-configuration.json",
    "appsettings.json",
    "appsettings.*.json",
    "launchsettings.json",
    "global.json",
    "omnisharp.json",
    "tslint.json",
    "angular.json",
    "babel.config.json",
    "cspell.json",
    ".cspell.json",
    "dprint.json",
    ".oxlintrc.json",
    ".luarc.json",
    ".markdownlint.json",
    "typedoc.json",
)
# Folders whose tools read their JSON files with comments.
_JSONC_FOLDERS = frozenset({".vscode", ".devcontainer"})
# These may be JSON or YAML; their content decides.
_EITHER_NAMES = frozenset({".prettierrc", ".stylelintrc", ".markdownlintrc", ".htmlhintrc", ".lintstagedrc", ".nycrc"})
_TEMPLATE_SUFFIXES = frozenset(
    {".j2", ".jinja", ".jinja2", ".tpl", ".tmpl", ".gotmpl", ".erb", ".mustache", ".hbs", ".ejs"}
)

GENERATED_FILES = frozenset(
    {
        "package-lock.json",
        "npm-shrinkwrap.json",
        "pnpm-lock.yaml",
        "composer.lock",
        "packages.lock.json",
        ".package-lock.json",
        "deno.lock",
    }
)
"""Lock files: written by tools, long, and no configuration that people change."""


def kind_of(name: str) -> FileKind | None:
    """The kind that a path's name stands for, or None when it is no configuration file by name.

    `name` is a path with `/`; its folders count too (`.vscode/settings.json` has comments).
    """
    path = PurePosixPath(name)
    base, suffix = path.name, path.suffix.lower()
    in_jsonc_folder = not _JSONC_FOLDERS.isdisjoint(path.parts[:-1])
    checks = (
        (FileKind.TEMPLATE, suffix in _TEMPLATE_SUFFIXES and PurePosixPath(path.stem).suffix.lower() in _TEMPLATED),
        (FileKind.ENV, base == ".env" or base.startswith(".env.") or suffix == ".env"),
        (FileKind.YAML, suffix in _YAML_SUFFIXES or base in _YAML_NAMES),
        (FileKind.JSONC, suffix in _JSONC_SUFFIXES or any(fnmatchcase(base.lower(), name) for name in _JSONC_NAMES)),
        (FileKind.JSONC, suffix == ".json" and in_jsonc_folder),
        (FileKind.JSON, suffix == ".json"),
        (FileKind.YAML, base in _EITHER_NAMES),
    )
    return next((kind for kind, applies in checks if applies), None)


def sniff(text: str) -> FileKind:
    """The kind of a file whose name says nothing: JSON when it begins like JSON and nothing else, else
    YAML."""
    begin = text.lstrip("\ufeff \t\r\n")[:400]
    if begin[:1] == "{" and re.match(r"\{\s*(?:\"|\}|//|/\*)", begin):
        return FileKind.JSON
    if begin[:1] == "[" and re.match(r"\[\s*(?:[\"{\[\]\d-]|true|false|null)", begin):
        return FileKind.JSON
    return FileKind.YAML
