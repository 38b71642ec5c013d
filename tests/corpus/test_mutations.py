"""The mutation engine: what it changes, what it says of it, and that it never depends on chance."""

from __future__ import annotations

import pytest
import yaml

from automation_scripts.validation.documents.classes import CLASSES
from tests.corpus.loader import CorpusFile
from tests.corpus.mutations import Mutant, between, mutants
from tests.corpus.samples import samples


def _all(file: CorpusFile, seed: str = "a") -> list[tuple[str, Mutant]]:
    return list(mutants(file.text, file.kind, file.path.endswith(".json"), seed))


@pytest.mark.parametrize("file", samples(), ids=lambda file: file.blob)
def test_the_line_of_a_mutant_is_one_that_changed_or_stands_beside_what_is_gone(file: CorpusFile) -> None:
    before = file.text.split("\n")
    for name, mutant in _all(file):
        after = mutant.text.split("\n")
        assert mutant.cls in CLASSES
        assert mutant.also <= {*CLASSES, ""}, name
        assert 1 <= mutant.line <= len(after), name
        if mutant.cls not in ("missing-required", "no-limits", "dup-key"):
            assert [after[mutant.line - 1]] != before[mutant.line - 1 : mutant.line], (name, mutant.line)


@pytest.mark.parametrize("file", samples(), ids=lambda file: file.blob)
def test_only_mistakes_of_syntax_make_text_that_cannot_be_read(file: CorpusFile) -> None:
    for name, mutant in _all(file):
        broken = False
        try:
            for _ in yaml.parse(mutant.text, Loader=yaml.CSafeLoader):
                pass
        except yaml.YAMLError:
            broken = True
        if mutant.cls == "syntax" and name != "expression" and not name.startswith("syntax_json"):
            assert broken, name
        elif mutant.cls not in ("syntax", "dangling-ref"):
            assert not broken, name


def test_the_same_seed_gives_the_same_mutants_and_another_seed_others() -> None:
    file = next(file for file in samples() if file.kind == "kubernetes")
    assert _all(file, "a") == _all(file, "a")
    assert _all(file, "a") != _all(file, "b")


def test_every_kind_has_mutants_of_ten_classes_or_what_its_format_can_have() -> None:
    found = {file.kind: {mutant.cls for _, mutant in _all(file)} for file in samples()}
    assert {kind for kind, classes in found.items() if len(classes) >= 7} >= set(found) - {"environments", "gitlab-ci"}
    assert len(set().union(*found.values())) >= 28


def test_a_key_left_out_of_production_is_at_the_line_where_staging_has_it() -> None:
    production, staging = "a:\n  one: 1\n  two: 2\n", "a:\n  two: 2\n  three: 3\n  one: 1\n"
    found = dict(between(production, staging, json=False))
    assert found["without_key"].text == "a:\n  one: 1\n"
    assert found["without_key"].line == 2
    assert found["without_key"].cls == "drift"


def test_text_that_is_no_yaml_has_no_mutants() -> None:
    assert list(mutants("a: [", "compose")) == []
    assert list(mutants("", "compose")) == []
