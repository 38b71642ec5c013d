"""The documents about governance and security name only what exists: tests, files, settings, variables, commands, links."""

from __future__ import annotations

import ast
import functools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from automation_scripts.settings import Configuration, load_settings

ROOT = Path(__file__).parents[2]
THREATS = "docs/threat-model.md"
DOCUMENTS = (THREATS, "docs/governance.md", "SECURITY.md")
FOLDERS = ("automation_scripts", "flows", "tasks", "blocks", "deployments", "tests", "docs", "examples")
NO_TEST = "no test yet"


def _text(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def _blocks(document: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", _text(document), re.DOTALL)


def _prose(document: str) -> str:
    return re.sub(r"```.*?```", "", _text(document), flags=re.DOTALL)


def _quoted(document: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`\n]+)`", _prose(document))


# Tests


def _named_tests(document: str) -> list[tuple[str, str]]:
    return re.findall(r"(tests/[\w/]+\.py)::(\w+)", _text(document))


@functools.cache
def _functions(file: str) -> frozenset[str]:
    path = ROOT / file
    if not path.is_file():
        return frozenset()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_test_that_is_named_exists() -> None:
    named = _named_tests(THREATS)
    assert len(named) > 50
    assert [f"{file}::{name}" for file, name in named if name not in _functions(file)] == []


def test_every_threat_names_what_shows_that_it_is_stopped() -> None:
    """Or says that no test does."""
    rows = [line for line in _text(THREATS).splitlines() if re.match(r"\| [STRIDE ]+ \|", line)]
    assert len(rows) > 40
    assert [row for row in rows if "::test_" not in row.split("|")[-2] and row.split("|")[-2].strip() != NO_TEST] == []


def test_every_entry_says_what_remains() -> None:
    sections = re.split(r"^## ", _text(THREATS), flags=re.MULTILINE)
    with_threats = [section for section in sections if "shown by" in section]
    assert len(with_threats) > 8
    assert [section.splitlines()[0] for section in with_threats if "\nRemains" not in section] == []


# Files, links, settings, variables


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_is_named_exists(document: str) -> None:
    paths = [word.split("::")[0] for word in _quoted(document) if word.startswith(tuple(f"{f}/" for f in FOLDERS))]
    assert paths or document == "SECURITY.md"
    assert [path for path in paths if not (ROOT / path).exists()] == []


def _anchors(path: Path) -> set[str]:
    """The anchors of the headings of a page, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_somewhere(document: str) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", _prose(document))
    assert links
    broken = []
    for link in links:
        if link.startswith("https://"):
            continue
        place, _, anchor = link.partition("#")
        target = (ROOT / document).parent / place if place else ROOT / document
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            broken.append(link)
    assert broken == []


def _has_setting(path: str) -> bool:
    model: Any = Configuration
    for name in path.split("."):
        if not (isinstance(model, type) and issubclass(model, BaseModel)) or name not in model.model_fields:
            return False
        model = model.model_fields[name].annotation
    return True


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_setting_that_is_named_exists(document: str) -> None:
    sections = "|".join(Configuration.model_fields)
    named = [word for word in _quoted(document) if re.fullmatch(rf"(?:{sections})(?:\.\w+)+", word)]
    settings = [word for word in named if Path(word).suffix not in (".py", ".db", ".md", ".pem", ".json")]
    assert settings
    assert [setting for setting in settings if not _has_setting(setting)] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_variable_that_is_named_has_an_effect(document: str) -> None:
    import prefect.settings

    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "automation_scripts").rglob("*.py"))
    named = set(re.findall(r"(?<![\w-])(?:AUTOMATION|PREFECT)_[A-Z_]*[A-Z]\b", _text(document)))
    assert named
    without = {name for name in named if name.startswith("AUTOMATION_") and f'"{name}"' not in sources}
    without |= {name for name in named if name.startswith("PREFECT_") and not hasattr(prefect.settings, name)}
    assert without == set()


def test_the_settings_that_harden_can_be_used(tmp_path: Path) -> None:
    (block,) = _blocks("SECURITY.md", "yaml")
    file = tmp_path / "config.yaml"
    file.write_text(block)
    settings = load_settings(file, {})
    assert not settings.governance.local_use
    assert settings.governance.anchors[0].required
    assert settings.needs_approval("production")


# Commands


def _command_lines(document: str) -> Iterator[str]:
    lines = [line for block in _blocks(document, "bash") for line in block.splitlines()]
    for line in (*lines, *_quoted(document)):
        if line.startswith("automation "):
            yield line


def _fault(line: str, application: Any) -> str:
    """What is not there of a command line; empty when all of it is."""
    command, words = application, shlex.split(line, comments=True)[1:]
    while words and hasattr(command, "commands"):
        name = words.pop(0)
        if name not in command.commands:
            return f"{line}: no command {name}"
        command = command.commands[name]
    known = {option for parameter in command.params for option in parameter.opts}
    return ", ".join(f"{line}: no option {word}" for word in words if word.startswith("-") and word not in known)


@pytest.mark.parametrize("document", (*DOCUMENTS, "README.md"))
def test_every_command_that_is_named_exists(document: str) -> None:
    from typer.main import get_command

    from automation_scripts.cli.app import build_app

    application, lines = get_command(build_app()), list(_command_lines(document))
    assert lines
    assert [fault for line in lines if (fault := _fault(line, application))] == []


def test_a_command_that_does_not_exist_is_noticed() -> None:
    from typer.main import get_command

    from automation_scripts.cli.app import build_app

    application = get_command(build_app())
    assert "no command frobnicate" in _fault("automation users frobnicate", application)
    assert "no option --frobnicate" in _fault("automation run config_validator --frobnicate", application)
    assert _fault("automation run config_validator -p a=b --dry-run", application) == ""
