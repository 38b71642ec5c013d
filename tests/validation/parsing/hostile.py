"""Texts that are made to hurt a reader. `python -m tests.validation.parsing.hostile NAME` reads one and prints what was
found, the processor time and the largest memory."""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

MB = 1_000_000


def _laughs(width: int = 9, levels: int = 9) -> str:
    lines = ["a: &a [lol, lol]"]
    for before, name in zip("abcdefgh"[:levels], "bcdefghi"[:levels], strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * width)}]")
    return "\n".join(lines) + "\n"


def _merge_bomb() -> str:
    names = "abcdefgh"
    lines = ["a: &a {x: 1}"]
    lines += [f"{n}: &{n} {{<<: [{', '.join([f'*{b}'] * 16)}]}}" for b, n in zip(names, names[1:], strict=False)]
    return "\n".join(lines) + "\n"


HOSTILE: dict[str, tuple[str, Callable[[], str | bytes]]] = {
    "question marks": ("a.yaml", lambda: "? " * 20_000),
    "question marks, then broken": ("a.yaml", lambda: "? " * 20_000 + "\n]"),
    "dashes": ("a.yaml", lambda: "- " * 20_000),
    "named dashes": ("a.yaml", lambda: "- &a " * 20_000),
    "brackets": ("a.yaml", lambda: "[" * 20_000),
    "brackets in JSON": ("a.json", lambda: "[" * 20_000),
    "objects in JSON": ("a.json", lambda: '{"a":' * 20_000),
    "brackets, closed": ("a.yaml", lambda: "[" * 20_000 + "]" * 20_000),
    "indentation": ("a.yaml", lambda: "".join(" " * n + "a:\n" for n in range(2_000))),
    "merge bomb": ("a.yaml", _merge_bomb),
    "billion laughs": ("a.yaml", _laughs),
    "billion laughs, then broken": ("a.yaml", lambda: _laughs() + "x: [\n"),
    "wide laughs": ("a.yaml", lambda: _laughs(60, 8)),
    "100,000 keys": ("a.yaml", lambda: "".join(f"key{n}: {n}\n" for n in range(100_000))),
    "100,000 keys, all alike": ("a.yaml", lambda: "key: 1\n" * 100_000),
    "a line of 5 MB": ("a.yaml", lambda: "a: " + "x" * 5 * MB + "\n"),
    "a line of 5 MB in quotes": ("a.yaml", lambda: 'a: "' + "x y:z " * (5 * MB // 6) + '"\n'),
    "a list in a line of 5 MB": ("a.yaml", lambda: "a: [" + "b:c, " * MB + "d]\n"),
    "a broken line of 5 MB": ("a.yaml", lambda: "a: b\nc " + " " * 5 * MB + "d: e: f\n"),
    "JSON in a line of 5 MB": ("a.json", lambda: json.dumps([{"a": 1, "b": "x"}] * 200_000)),
    "huge numbers": ("a.yaml", lambda: f"a: {'9' * 4301}\nb: 0x{'f' * 5000}\nc: {'1:' * 3000}1\nd: 1{'_' * 5000}0\n"),
    "huge numbers in JSON": ("a.json", lambda: f"[{'9' * 4301}, 1e{'9' * 400}, -{'1' * 100_000}]"),
    "NULs": ("a.yaml", lambda: b"a: b\n" * 3000 + b"c: \0\0d\n" + b"\0" * 100_000),
    "only NULs": ("a.yaml", lambda: b"\0" * 100_000),
    "control characters": ("a.yaml", lambda: "a: b\n" * 3000 + "\x01" * 8 * MB),
    "line breaks": ("a.yaml", lambda: "\n" * 15 * MB),
    "lone carriage returns": ("a.yaml", lambda: "a: b\r" * 100_000),
    "documents": ("a.yaml", lambda: "---\n" * 3 * MB),
    "broken documents": ("a.yaml", lambda: "--- ]\n" * MB),
    "directives": ("a.yaml", lambda: "".join(f"%TAG !a{n}! x{n}\n" for n in range(400_000)) + "---\na\n"),
    "anchors": ("a.yaml", lambda: "".join(f"- &a{n} b\n" for n in range(400_000))),
    "aliases to nothing": ("a.yaml", lambda: "".join(f"- &a{n} *b{n}\n- *c{n}\n" for n in range(200_000))),
    "anchors and aliases to nothing": ("a.yaml", lambda: "".join(f"- &a{n} 1\n- *c{n}\n" for n in range(200_000))),
    "placeholders": ("a.yaml", lambda: "a: " + "{{" * 2 * MB + "\n"),
    "placeholders on lines": ("a.yaml", lambda: "'{{a}}': {{" + ("{{" * 2000 + "\n") * 1000),
    "conflict marks": ("a.yaml", lambda: "<<<<<<< a\n=======\n>>>>>>> b\n" * 100_000),
    "commas in JSON": ("a.json", lambda: "[" + "," * 15 * MB),
    "odd blanks in JSON": ("a.json", lambda: "[" + "\u00a0" * 4 * MB),
    "quotes in JSON": ("a.json", lambda: '["' * 2 * MB),
    "escapes in JSON": ("a.json", lambda: '["' + "\\ud800" * MB + '"]'),
    "values in JSON": ("a.json", lambda: "[" + "1," * 7 * MB + "1]"),
    "values": ("a.yaml", lambda: "- a\n" * 3 * MB + "- b\n"),
    "tabs": ("a.yaml", lambda: "a:\n" + "\t" * 5 * MB + "b\n"),
    "quotes": ("a.yaml", lambda: "- '\n" * 2 * MB),
    "nested brackets over lines": ("a.yaml", lambda: "a:\n" + " [\n" * 150 + "  b,\n" * 400_000 + " ]\n" * 150),
    "block texts": ("a.yaml", lambda: "- |\n  x\n" * 400_000),
}


def main() -> None:
    """Read one text from a file, as a run does."""
    from automation_scripts.validation.parsing.files import parse_file
    from automation_scripts.validation.parsing.version_differences import differences

    name, make = HOSTILE[sys.argv[1]]
    content = make()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        del content
        begin = time.process_time()
        parsed = parse_file(path, name)
        found = [*parsed.findings, *differences(parsed)]
        used = time.process_time() - begin
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
    memory = _peak_kib() // 1024
    rules = sorted({finding.rule_id for finding in found})
    print(json.dumps({"rules": rules, "cpu_s": round(used + children.ru_utime + children.ru_stime, 2), "mb": memory}))


def _peak_kib() -> int:
    """The most memory that this program had. `ru_maxrss` would begin with what its parent had when it was forked."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


if __name__ == "__main__":
    main()
