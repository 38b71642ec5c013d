"""Helm charts: values that templates read and `values.yaml` does not have, named templates that nothing defines, conditions
of dependencies, and values that no template reads.

Templates are read as text: only what stands inside of `{{ }}` counts. What a dependency brings along is not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.corpus import CheckedDocument, Corpus
from automation_scripts.validation.documents.pointing import finding_at
from automation_scripts.validation.documents.scalars import items, pairs, text_of
from automation_scripts.validation.documents.tree import Kind, Node, ParsedFile
from automation_scripts.validation.input.text import LineIndex
from automation_scripts.validation.references.missing_names import likely_typo, missing_name, nearest_name

_ACTION = re.compile(r"\{\{-?(?!-?\s*/\*)(.*?)-?\}\}", re.DOTALL)
_VALUE = re.compile(r"(?<![\w)\]])(?:\$\w*)?\.Values((?:\.[A-Za-z_]\w*)+)")
_ANY_VALUE = re.compile(r"\bValues\.(\w+)")
_WHOLE_VALUES = re.compile(r"\.Values(?![.\w])|\$values\b")
_INCLUDE = re.compile(r"\b(?:include|template)\s+\"([^\"]+)\"")
_DEFINE = re.compile(r"\{\{-?\s*(?:define|block)\s+\"([^\"]+)\"")
_GUARD = re.compile(
    r"^\s*(?:else\s+)?(?:if|with|range)\b|\b(?:default|hasKey|dig|get|coalesce|empty|ternary|required|or|and|not)\b"
)
_MAX_BYTES = 1024 * 1024
_MAX_FILES = 400


@dataclass(slots=True)
class Chart:
    """One chart: its values, its templates as given files, and the text of those that are no configuration."""

    document: CheckedDocument
    values: CheckedDocument | None
    templates: list[ParsedFile] = field(default_factory=list)
    other_texts: list[str] = field(default_factory=list)
    dependencies: set[str] = field(default_factory=set)
    """The names and aliases under which other charts have their values here."""

    @property
    def folder(self) -> Path:
        """Where `Chart.yaml` stands."""
        return self.document.folder


def check_helm(corpus: Corpus) -> list[Finding]:
    """Every dangling value, template name and condition of the charts of the tree."""
    charts = list(_charts(corpus))
    found: list[Finding] = []
    for chart in charts:
        # A chart below `charts/` is rendered together with the one above it.
        related = [
            o for o in charts if o.folder in chart.folder.parents or chart.folder in o.folder.parents or o is chart
        ]
        defined = {name for other in related for text in _texts(other) for name in _DEFINE.findall(text)}
        found += _conditions(chart)
        for file in chart.templates:
            found += _template_names(chart, file, defined)
        if chart.values is not None and chart.values.root.kind is Kind.MAP:
            found += _values(chart, chart.values)
    return found


def _charts(corpus: Corpus) -> Iterator[Chart]:
    folders = {document.folder: document for document in corpus.of("helm-chart") if document.file.path.stem == "Chart"}
    if not folders:
        return
    charts = {folder: Chart(document, None) for folder, document in folders.items()}
    for document in corpus.documents:
        if document.folder in charts and document.file.path.name in ("values.yaml", "values.yml"):
            charts[document.folder].values = document
    for file in corpus.files:
        for folder in file.path.parents:
            if folder.name == "templates" and folder.parent in charts:
                charts[folder.parent].templates.append(file)
                break
    for chart in charts.values():
        chart.other_texts = _other_texts(chart.folder / "templates")
        for item in _dependencies(chart, corpus):
            chart.dependencies |= {text for key in ("name", "alias") if (text := text_of(item.get(key)))}
        yield chart


def _dependencies(chart: Chart, corpus: Corpus) -> list[Node]:
    """The dependencies of a chart; the first version of charts kept them in a file of their own."""
    listed = items(chart.document.root.get("dependencies"))
    for name in ("requirements.yaml", "requirements.yml"):
        old = corpus.by_path.get(chart.folder / name)
        if old is not None and old.documents:
            listed += items(old.documents[0].root.resolved().get("dependencies"))
    return listed


def _other_texts(folder: Path) -> list[str]:
    """Helpers and notes: they are no configuration files, but they define templates and read values."""
    found: list[str] = []
    try:
        paths = sorted(path for path in folder.rglob("*") if path.suffix in (".tpl", ".txt", ".conf", ".sh"))
        for path in paths[:_MAX_FILES]:
            with path.open("rb") as stream:
                found.append(stream.read(_MAX_BYTES).decode("utf-8", "replace"))
    except OSError:
        return found
    return found


def _texts(chart: Chart) -> list[str]:
    return [*(file.text for file in chart.templates), *chart.other_texts]


def _conditions(chart: Chart) -> Iterator[Finding]:
    """`condition: redis.enabled` that no values file has: the dependency is then always there."""
    if chart.values is None:
        return
    for i, item in enumerate(items(chart.document.root.get("dependencies"))):
        condition = item.get("condition")
        text = text_of(condition)
        if condition is None or not text:
            continue
        paths = [path.strip() for path in text.split(",")]
        if any(chart.values.root.at(tuple(path.split("."))) is not None for path in paths):
            continue
        known = [f"{key.value}.enabled" for key, node in pairs(chart.values.root) if node.get("enabled") is not None]
        if not likely_typo(text, known):
            continue  # a condition may be for the values of others
        yield missing_name(
            chart.document, condition, "unknown-value", f"The condition '{text}' is no value in {chart.values.file.path.name}: it is ignored.",
            text, known, ("dependencies", i, "condition"), severity=Severity.MEDIUM,
        )  # fmt: skip


def _template_names(chart: Chart, file: ParsedFile, defined: set[str]) -> Iterator[Finding]:
    index: LineIndex | None = None
    own = text_of(chart.document.root.get("name")) or ""
    for match in _INCLUDE.finditer(file.text):
        name = match[1]
        if name in defined or not defined or "{{" in name or name.startswith("/"):
            continue
        if any(name.startswith(f"{each}.") for each in chart.dependencies) or not _in_action(file.text, match.start()):
            continue
        is_own = bool(own) and name.startswith(f"{own}.")
        if chart.dependencies and not is_own and not likely_typo(name, defined):
            continue
        index = index or LineIndex(file.text)
        near = nearest_name(name, defined)
        yield finding_at(
            file, index.span(*match.span(1)), "reference/unknown-template", Severity.HIGH,
            f"No template of the chart defines '{name}'.", "dangling-ref", path=name,
            suggestion=f"Did you mean '{near}'?" if near else "Define it, or correct the name.",
        )  # fmt: skip


def _in_action(text: str, at: int) -> bool:
    """True when a place stands inside of `{{ }}` that is no comment."""
    start = text.rfind("{{", 0, at)
    return (
        start >= 0 and text.find("}}", start, at) < 0 and not text[start + 2 : start + 6].lstrip("- ").startswith("/*")
    )


def _values(chart: Chart, values: CheckedDocument) -> Iterator[Finding]:
    used: set[str] = set()
    guarded: set[str] = set()
    uses: list[tuple[ParsedFile | None, str, int]] = []
    sources: list[tuple[ParsedFile | None, str]] = [(file, file.text) for file in chart.templates]
    sources += [(None, text) for text in chart.other_texts]
    for file, text in sources:
        for action in _ACTION.finditer(text):
            guard = _GUARD.search(action[1]) is not None
            for value in _VALUE.finditer(action[1]):
                path = value[1][1:]
                used.add(path)
                if guard:
                    guarded.add(path)
                uses.append((file, path, action.start(1) + value.start(1) + 1))
    comments = values.file.text
    known: set[str] = set()
    for file, path, start in uses:
        if file is not None and path not in known:
            if values.root.at(tuple(path.split("."))) is not None:
                known.add(path)
                continue
            yield from _unknown_value(chart, values.root, file, path, start, guarded, comments)
    used |= {name for _, text in sources for name in _ANY_VALUE.findall(text)}
    if not chart.dependencies and not any(_WHOLE_VALUES.search(text) for _, text in sources) and uses:
        yield from _unused_values(values, used)


def _unknown_value(
    chart: Chart, root: Node, file: ParsedFile, path: str, start: int, guarded: set[str], comments: str
) -> Iterator[Finding]:  # fmt: skip
    steps = path.split(".")
    if steps[0] in ("global", *chart.dependencies):
        return
    node = root
    for i, step in enumerate(steps):
        if node.kind is not Kind.MAP or not node.entries or node.entry("<<"):
            return
        entry = node.entry(step)
        if entry is not None:
            node = entry[1].resolved()
            continue
        known = [key.value for key, _ in pairs(node)]
        prefix = ".".join(steps[: i + 1])
        is_guarded = any(each == prefix or each.startswith(f"{prefix}.") for each in guarded)
        if re.search(rf"#\s*{re.escape(step)}\s*:", comments) or (is_guarded and not _surely_a_typo(step, known)):
            return
        if not _surely_a_typo(step, known) and i + 1 == len(steps):
            return  # a value that is optional need not stand in values.yaml
        offset = start + sum(len(each) + 1 for each in steps[:i])
        near = nearest_name(step, known)
        yield finding_at(
            file, LineIndex(file.text).span(offset, offset + len(step)), "reference/unknown-value", Severity.MEDIUM,
            f"The template reads .Values.{prefix}, which values.yaml does not have.", "dangling-ref", path=f"Values.{prefix}",
            suggestion=f"Did you mean '{near}'?" if near else "Add it to values.yaml, or correct the name.",
        )  # fmt: skip
        return


def _surely_a_typo(name: str, known: list[str]) -> bool:
    """A value may be an old name that is still taken: then it differs by its plural or its case only."""
    near = nearest_name(name, known) if len(name) > 5 else None
    return near is not None and near.lower().rstrip("s") != name.lower().rstrip("s")


def _unused_values(values: CheckedDocument, used: set[str]) -> Iterator[Finding]:
    tops = {path.partition(".")[0] for path in used}
    for key, _ in pairs(values.root):
        if key.value not in tops and key.value != "global" and key.span.start >= 0:
            yield values.finding(
                key.span, "reference/unused-value", Severity.LOW, f"No template of the chart reads .Values.{key.value}.", "unused",
                path=(key.value,), suggestion="Remove it, or read it where it was meant to count.",
            )  # fmt: skip
