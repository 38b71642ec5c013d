"""The official JSON-Schema-Test-Suite through this package's own way: files read, parsed, compiled, judged."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from automation_scripts.validation.parsing.files import parse_text
from automation_scripts.validation.schemas.compiled import CompiledSchema
from automation_scripts.validation.schemas.library import Library
from automation_scripts.validation.schemas.subject import Subject

SUITE = Path(__file__).parents[2] / "data/json-schema-test-suite/suite.json.gz"
if not SUITE.exists():
    pytest.skip("the suite is not here: see tests/data/json-schema-test-suite/README.md", allow_module_level=True)
REQUIRED = {"draft4": 618, "draft6": 839, "draft7": 927, "draft2019-09": 1259, "draft2020-12": 1299}
ADDRESSES = {
    "draft4": "http://json-schema.org/draft-04/schema#",
    "draft6": "http://json-schema.org/draft-06/schema#",
    "draft7": "http://json-schema.org/draft-07/schema#",
}


@lru_cache(maxsize=1)
def suite() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(gzip.decompress(SUITE.read_bytes()).decode("utf-8", "surrogatepass"))
    return data


def as_file(path: Path, data: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def judged(section: str, draft: str, folder: Path, *, asserts_formats: bool) -> Iterator[tuple[str, bool, bool]]:
    """(which test, what the suite says, what we say) of every test of a draft."""
    for name, document in suite()["remotes"].items():
        as_file(folder / "remotes" / name, document)
    given = {"http://localhost:1234/": folder / "remotes"}
    library = Library([folder], given=given, asserts_formats=asserts_formats)
    for file, groups in suite()[section][draft].items():
        for number, group in enumerate(groups):
            schema = group["schema"]
            if isinstance(schema, dict) and draft in ADDRESSES:
                schema = {"$schema": ADDRESSES[draft], **schema}  # the suite's folder says it
            compiled = library.open(as_file(folder / f"{file}.{number}.schema.json", schema), file)
            for test in group["tests"]:
                label = f"{file}: {group['description']}: {test['description']}"
                yield label, test["valid"], not problems(compiled, folder / "instance.json", test["data"])


def problems(compiled: CompiledSchema, path: Path, data: Any) -> list[Any]:
    parsed = parse_text(path, path.name, json.dumps(data))
    subject = Subject(parsed, parsed.documents[0].root)
    return list(compiled.problems(subject.data))


@pytest.mark.parametrize("draft", REQUIRED)
def test_all_required_tests_of_a_draft(draft: str, tmp_path: Path) -> None:
    results = list(judged("required", draft, tmp_path, asserts_formats=False))
    assert [label for label, wanted, got in results if wanted != got] == []
    assert len(results) == REQUIRED[draft]
