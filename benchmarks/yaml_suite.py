"""How parsing stands against public suites and on its own text: verdicts, agreement of data, megabytes a second.

`python -m benchmarks.yaml_suite --make-yaml CHECKOUT` and `--make-json CHECKOUT` write the data files of the tests
again, from a checkout of yaml/yaml-test-suite (branch `data`) or of nst/JSONTestSuite.
"""

from __future__ import annotations

import argparse
import base64
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.measure import Figure

DATA = Path(__file__).resolve().parents[1] / "tests" / "data"
YAML_CASES = DATA / "yaml-test-suite" / "cases.json"
JSON_CASES = DATA / "json-parsing" / "cases.json"
_MAX_STORED = 2000


def measure(home: Path, rounds: int) -> Iterator[Figure]:
    """Verdicts on both suites, ours and PyYAML's, and the speed on the texts of the YAML suite."""
    import yaml

    from automation_scripts.validation.parsing.json import parse_json
    from automation_scripts.validation.parsing.yaml import parse_yaml

    cases = json.loads(YAML_CASES.read_text())

    def ours(text: str) -> bool:
        return any("syntax" in finding.tags for finding in parse_yaml(Path("/x"), "x", text).findings)

    def pyyaml(text: str) -> bool:
        try:
            list(yaml.compose_all(text, yaml.CSafeLoader))
        except yaml.YAMLError:
            return True
        return False

    for name, is_error in (("ours", ours), ("PyYAML compose", pyyaml)):
        right = sum(is_error(case["yaml"]) == case["error"] for case in cases)
        yield Figure(f"yaml-test-suite verdicts, {name}", right, f"of {len(cases)}", "all")
    texts = {name: text_of(case) for name, case in json.loads(JSON_CASES.read_text()).items()}
    decided = [(name, data) for name, data in texts.items() if name[0] in "yn"]
    right = sum(_json_verdict(parse_json, data) == name[0] for name, data in decided)
    yield Figure("JSONTestSuite verdicts, ours", right, f"of {len(decided)}", "all")
    one = "".join(f"---\n{case['yaml']}\n" for case in cases if not case["error"] and "\n%" not in case["yaml"])
    block = "".join(f"- name: item-{n}\n  image: registry.example/app:{n}\n  ports: [80, 443]\n" for n in range(20_000))
    yield Figure(
        "parse, block style", _speed(lambda: parse_yaml(Path("/x"), "x", block), len(block), rounds), "MB/s", "8"
    )
    yield Figure("parse, all of the suite at once", _speed(lambda: ours(one), len(one), rounds), "MB/s", "")


def _speed(run: Callable[[], object], size: int, rounds: int) -> float:
    best = float("inf")
    for _ in range(rounds):
        begin = time.process_time()
        run()
        best = min(best, time.process_time() - begin)
    return size / 1e6 / best


def _json_verdict(parse: Callable[..., Any], data: bytes) -> str:
    from automation_scripts.validation.input.text import decode

    decoded = decode(data, "x")
    parsed = parse(Path("/x"), "x", decoded.text)
    wrong = any("syntax" in finding.tags for finding in [*decoded.findings, *parsed.findings])
    return "n" if decoded.mark or wrong or not parsed.documents else "y"


def text_of(case: dict[str, Any]) -> bytes:
    """The bytes of a JSON case: written out, in base 64 where they are no text, or as a repeated piece."""
    if "repeat" in case:
        return bytes(case["repeat"].encode() * case["times"] + case["rest"].encode())
    return base64.b64decode(case["base64"]) if "base64" in case else case["text"].encode()


# Making the data files --------------------------------------------------------------------------------------


def make_yaml(checkout: Path) -> None:
    """One list of cases: id, name, yaml, error, events, and json where the suite has it."""
    cases = []
    for source in sorted(checkout.glob("[0-9A-Z][0-9A-Z][0-9A-Z][0-9A-Z]/**/in.yaml")):
        folder = source.parent
        case: dict[str, Any] = {
            "id": folder.relative_to(checkout).as_posix(),
            "name": (folder / "===").read_text().strip(),
            "error": (folder / "error").exists(),
            "yaml": source.read_bytes().decode(),
            "events": (folder / "test.event").read_text(),
        }
        if (folder / "in.json").exists():
            case["json"] = (folder / "in.json").read_text()
        cases.append(case)
    _write(YAML_CASES, cases)


def make_json(checkout: Path) -> None:
    """One map from a file's name to its content."""
    cases: dict[str, dict[str, Any]] = {}
    for source in sorted((checkout / "test_parsing").glob("*.json")):
        data = source.read_bytes()
        try:
            text = data.decode()
        except UnicodeDecodeError:
            cases[source.stem] = {"base64": base64.b64encode(data).decode()}
            continue
        cases[source.stem] = _repeated(text) if len(text) > _MAX_STORED else {"text": text}
    _write(JSON_CASES, cases)


def _repeated(text: str) -> dict[str, Any]:
    piece = next(text[:size] for size in range(1, 20) if text.startswith(text[:size] * 100))
    times = 0
    while text.startswith(piece, times * len(piece)):
        times += 1
    return {"repeat": piece, "times": times, "rest": text[times * len(piece) :]}


def _write(path: Path, cases: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    items = (
        [f"{json.dumps(k)}: {json.dumps(v)}" for k, v in cases.items()]
        if isinstance(cases, dict)
        else map(json.dumps, cases)
    )
    opening, closing = "{}" if isinstance(cases, dict) else "[]"
    path.write_text(f"{opening}\n" + ",\n".join(items) + f"\n{closing}\n")


def main() -> None:
    """Write the data files, or print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.yaml_suite", description=__doc__)
    parser.add_argument("--make-yaml", type=Path, metavar="CHECKOUT")
    parser.add_argument("--make-json", type=Path, metavar="CHECKOUT")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if options.make_yaml:
        make_yaml(options.make_yaml)
    if options.make_json:
        make_json(options.make_json)
    if not (options.make_yaml or options.make_json):
        for figure in measure(Path(), options.rounds):
            print(figure.line())


if __name__ == "__main__":
    main()
