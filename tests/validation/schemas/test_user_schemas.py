"""Schemas that are not ours: drafts, references, where they may lead, and what a hostile one can do."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from automation_scripts.errors import InvalidParameters
from automation_scripts.results import Finding, Severity
from automation_scripts.validation.input.limits import Limits
from automation_scripts.validation.parsing.files import parse_file
from automation_scripts.validation.schemas.check import check_schemas
from automation_scripts.validation.strictness import Strictness
from tests.validation.schemas.support import brief, check, mended, parse, write

DRAFTS = {
    "4": "http://json-schema.org/draft-04/schema#",
    "6": "http://json-schema.org/draft-06/schema#",
    "7": "http://json-schema.org/draft-07/schema#",
    "2019-09": "https://json-schema.org/draft/2019-09/schema",
    "2020-12": "https://json-schema.org/draft/2020-12/schema",
}


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any connection or look-up fails the test."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("schemas must never be fetched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def judge(folder: Path, schema: Any, text: str, name: str = "app.yaml", **options: Any) -> list[Finding]:
    """The findings of one document against one schema given by parameter."""
    path = write(folder, "the.schema.json", json.dumps(schema))
    return check(folder, {name: text}, user_schema=path, **options)


@pytest.mark.parametrize("draft", DRAFTS)
def test_each_draft_with_local_and_recursive_references(tmp_path: Path, draft: str) -> None:
    keyword = "$defs" if draft.startswith("20") else "definitions"
    schema = {
        "$schema": DRAFTS[draft],
        "type": "object",
        "properties": {"tree": {"$ref": f"#/{keyword}/node"}},
        keyword: {
            "node": {
                "type": "object",
                "properties": {
                    "size": {"type": "integer"},
                    "children": {"type": "array", "items": {"$ref": f"#/{keyword}/node"}},
                },
                "additionalProperties": False,
            }
        },
    }
    text = """
        tree:
          size: 1
          children:
            - size: 2
              children:
                - size: big
                - sise: 3
    """
    found = judge(tmp_path, schema, text)
    assert brief(found) == [(6, 17, "wrong-type"), (7, 11, "unknown-key")]
    assert found[1].suggestion == "Did you mean `size`?"


def test_drafts_differ_where_they_should(tmp_path: Path) -> None:
    """`exclusiveMinimum` was a flag in draft 4 and is a number since; `prefixItems` is known to 2020-12 alone."""
    old = {"$schema": DRAFTS["4"], "properties": {"n": {"minimum": 1, "exclusiveMinimum": True}}}
    assert brief(judge(tmp_path, old, "n: 1\n")) == [(1, 4, "invalid-value")]
    new = {"$schema": DRAFTS["2020-12"], "properties": {"l": {"prefixItems": [{"type": "integer"}]}}}
    assert brief(judge(tmp_path, new, "l: [a]\n")) == [(1, 5, "wrong-type")]
    assert judge(tmp_path, {**new, "$schema": DRAFTS["7"]}, "l: [a]\n") == []


def test_a_schema_without_a_draft_is_read_as_draft_7(tmp_path: Path) -> None:
    assert judge(tmp_path, {"properties": {"l": {"prefixItems": [{"type": "integer"}]}}}, "l: [a]\n") == []
    items = {"properties": {"l": {"items": [{"type": "integer"}]}}}  # the form that 2020-12 no longer knows
    assert brief(judge(tmp_path, items, "l: [a]\n")) == [(1, 5, "wrong-type")]


def test_dynamic_references_and_unevaluated_keys(tmp_path: Path) -> None:
    schema = {
        "$schema": DRAFTS["2020-12"],
        "$dynamicAnchor": "node",
        "type": "object",
        "properties": {"next": {"$dynamicRef": "#node"}, "value": {"type": "integer"}},
        "unevaluatedProperties": False,
    }
    found = judge(tmp_path, schema, "value: 1\nnext:\n  value: x\n  vlaue: 2\n")
    assert brief(found) == [(3, 10, "wrong-type"), (4, 3, "unknown-key")]


def test_a_schema_may_be_yaml_and_refer_to_files_beside_it(tmp_path: Path) -> None:
    write(tmp_path, "schemas/types.yaml", "definitions:\n  port: {type: integer, maximum: 65535}\n")
    main = write(
        tmp_path,
        "schemas/app.yaml",
        """
        $id: https://example.com/schemas/app.yaml
        properties:
          port: {$ref: 'types.yaml#/definitions/port'}
        """,
    )
    found = check(tmp_path, {"conf/app.yaml": "port: 70000\n"}, user_schema=main)
    assert brief(found) == [(1, 7, "invalid-value")]
    assert "65535 or less" in found[0].message


def test_a_folder_of_schemas_is_chosen_from_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "schemas"
    write(folder, "app.schema.json", '{"properties": {"a": {"type": "integer"}}}')
    write(folder, "db.schema.yaml", "properties: {a: {type: boolean}}\n")
    files = {"app.yaml": "a: x\n", "app.prod.yaml": "a: y\n", "db.json": '{"a": 1}', "other.yaml": "a: {}\n"}
    found = check(tmp_path, files, user_schema=folder)
    assert [f.file for f in found] == ["app.yaml", "app.prod.yaml", "db.json"]


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ('{"type": "strnig"}', "/type"),
        ('{"properties": {"a": {"pattern": "("}}}', "no valid regular expression"),
        ('{"$ref": "#/definitions/gone"}', "'/definitions/gone' does not exist"),
        ('{"properties": {"a": {"$ref": "https://example.com/x.json"}}}', "never fetched"),
        ('{"properties": {"a": {"$ref": "http://127.0.0.1:9/x.json"}}}', "never fetched"),
        ('{"$ref": "gone.json"}', "there is no such file"),
        ('{"$ref": "/etc/passwd"}', "outside the folders"),
        ('{"$ref": "../../../../../../etc/passwd"}', "outside the folders"),
        ('{"$schema": "http://json-schema.org/draft-03/schema#"}', "Known are draft-04"),
        ('{"$schema": "https://example.com/my-draft"}', "Known are draft-04"),
        ('["not", "a", "schema"]', "A schema is a map"),
        ('{"type": ', "line 1"),
        ("", "empty"),
    ],
)
def test_an_unusable_schema_names_file_and_reason(tmp_path: Path, schema: str, reason: str) -> None:
    path = write(tmp_path, "s/bad.schema.json", schema)
    with pytest.raises(InvalidParameters) as caught:
        check(tmp_path, {"app.yaml": "a: x\n"}, user_schema=path)
    assert "bad.schema.json" in str(caught.value)
    assert reason in str(caught.value)


def test_the_line_of_a_schemas_mistake_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "bad.yaml", "properties:\n  a:\n    type: text\n")
    with pytest.raises(InvalidParameters, match="line 3"):
        check(tmp_path, {"app.yaml": "a: x\n"}, user_schema=path)


def test_a_missing_schema_is_the_callers_mistake(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameters, match="no file or folder"):
        check(tmp_path, {"app.yaml": "a: 1\n"}, user_schema=tmp_path / "gone.json")


def bomb(depth: int) -> dict[str, Any]:
    """A schema of a few hundred bytes that takes 2**depth steps."""
    levels: dict[str, Any] = {f"d{i}": {"allOf": [{"$ref": f"#/definitions/d{i + 1}"}] * 2} for i in range(depth)}
    levels[f"d{depth}"] = {"type": "object"}
    return {"definitions": levels, "allOf": [{"$ref": "#/definitions/d0"}]}


def test_a_schema_bomb_is_stopped_and_explained(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameters, match=r"the\.schema\.json.*longer than 1 s.*multiply"):
        judge(tmp_path, bomb(60), "a: 1\n", timeout_s=1.0)


def test_a_small_tower_is_no_bomb(tmp_path: Path) -> None:
    assert judge(tmp_path, bomb(8), "a: 1\n") == []


def test_a_bomb_that_a_document_names_is_a_finding_there(tmp_path: Path) -> None:
    write(tmp_path, "bomb.json", json.dumps(bomb(60)))
    found = check(tmp_path, {"app.yaml": "$schema: bomb.json\na: 1\n"}, timeout_s=1.0)
    assert [(f.rule_id, f.line, f.column) for f in found] == [("schema/unusable-schema", 1, 10)]


def test_a_bomb_costs_no_other_schema_its_answer(tmp_path: Path) -> None:
    write(tmp_path, "bomb.json", json.dumps(bomb(60)))
    write(tmp_path, "good.json", '{"properties": {"a": {"type": "integer"}}}')
    names = ["good", "bomb", "good", "bomb", "good"]
    files = {f"{i}.yaml": f"$schema: {name}.json\na: x\n" for i, name in enumerate(names)}
    files |= {"other.yaml": '$schema: "./good2.json"\na: x\n'}
    write(tmp_path, "good2.json", '{"properties": {"a": {"type": "boolean"}}}')
    found = check(tmp_path, files, timeout_s=2.0)
    assert [f.rule_id.removeprefix("schema/") for f in found] == [
        "wrong-type", "unusable-schema", "wrong-type", "unusable-schema", "wrong-type", "wrong-type",
    ]  # fmt: skip


def test_endless_references_come_to_an_end(tmp_path: Path) -> None:
    assert judge(tmp_path, {"allOf": [{"$ref": "#"}]}, "a: {b: [1]}\n") == []


def test_patterns_that_backtrack_forever_are_stopped(tmp_path: Path) -> None:
    found = judge(tmp_path, {"properties": {"a": {"pattern": r"^(a|a|b?a)+\1$"}}}, f"a: {'a' * 60}!\n", timeout_s=15.0)
    assert [f.line for f in found] == [1]


def test_alias_bombs_are_not_unfolded(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    schema = write(tmp_path, "s.json", '{"type": "object"}')
    path = write(tmp_path, "bomb.yaml", "\n".join(lines) + "\n")
    assert check_schemas(parse(tmp_path, "bomb.yaml"), user_schema=schema, root=tmp_path) == []  # the parser says it
    unlimited = parse_file(path, "bomb.yaml", Limits(max_alias_expansion=10**15))
    found = check_schemas([unlimited], user_schema=schema, root=tmp_path)
    assert [f.rule_id for f in found] == ["schema/not-checked"]
    assert found[0].severity is Severity.INFO


# Named by the document ---------------------------------------------------------------------------------------


def test_a_document_may_name_a_schema_in_the_tree(tmp_path: Path) -> None:
    write(tmp_path, "schemas/s.json", '{"properties": {"a": {"type": "integer"}, "$schema": {}}}')
    files = {
        "conf/by-key.json": '{"$schema": "../schemas/s.json", "a": "x"}',
        "conf/by-line.yaml": "# yaml-language-server: $schema=../schemas/s.json\na: x\n",
        "conf/by-other-line.yaml": "# $schema: ../schemas/s.json\na: x\n",
    }
    assert brief(check(tmp_path, files)) == [(1, 39, "wrong-type"), (2, 4, "wrong-type"), (2, 4, "wrong-type")]


def test_a_modeline_is_for_its_own_document(tmp_path: Path) -> None:
    write(tmp_path, "s.json", '{"properties": {"a": {"type": "integer"}}}')
    text = "a: x\n---\n# yaml-language-server: $schema=s.json\na: y\n---\na: z\n"
    assert brief(check(tmp_path, {"many.yaml": text})) == [(4, 4, "wrong-type")]


def test_a_known_address_means_the_schema_that_ships(tmp_path: Path) -> None:
    text = "# yaml-language-server: $schema=https://json.schemastore.org/github-workflow.json\non: push\njbos: {}\n"
    found = check(tmp_path, {"odd-name.yaml": text})
    assert (3, 1, "unknown-key") in brief(found)


def test_with_an_unknown_address_the_kind_still_counts(tmp_path: Path) -> None:
    text = '{"$schema": "https://example.com/s.json", "name": "a", "private": "yes"}'
    assert [f.rule_id for f in check(tmp_path, {"package.json": text})] == ["schema/wrong-type"]


def test_an_unknown_address_is_told_once_to_those_who_are_strict(tmp_path: Path) -> None:
    files = {f"{name}.yaml": "$schema: https://example.com/s.json\n" for name in ("a", "b")}
    assert check(tmp_path, files) == []
    found = check(tmp_path, files, strictness=Strictness.STRICT)
    assert [(f.rule_id, f.severity, f.file) for f in found] == [("schema/not-fetched", Severity.INFO, "a.yaml")]


def test_a_schema_of_an_installed_package_is_not_missed(tmp_path: Path) -> None:
    assert check(tmp_path, {"app.yaml": "$schema: ./node_modules/tool/schema.json\na: x\n"}) == []


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("gone.json", "schema/missing-schema"),
        ("../outside.json", "schema/not-fetched"),
        ("/etc/passwd", "schema/not-fetched"),
        ("file:///etc/passwd", "schema/not-fetched"),
        ("broken.json", "schema/unusable-schema"),
        ("remote.json", "schema/unusable-schema"),
    ],
)
def test_a_schema_that_cannot_be_had_is_said_at_its_name(tmp_path: Path, name: str, rule: str) -> None:
    root = tmp_path / "root"
    write(tmp_path, "outside.json", '{"properties": {"a": {"type": "integer"}}}')
    write(root, "broken.json", '{"type": 3}')
    write(root, "remote.json", '{"$ref": "https://example.com/x.json"}')
    found = check(root, {"app.yaml": f"$schema: {name}\na: x\n"})
    assert [(f.rule_id, f.line, f.column) for f in found] == [(rule, 1, 10)]


def test_links_out_of_the_tree_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path, "secret.json", '{"properties": {"a": {"type": "integer"}}}')
    root = tmp_path / "root"
    root.mkdir()
    (root / "s.json").symlink_to(tmp_path / "secret.json")
    found = check(root, {"app.yaml": "$schema: s.json\na: x\n"})
    assert [f.rule_id for f in found] == ["schema/not-fetched"]


def test_a_document_that_is_a_schema_is_judged_as_one(tmp_path: Path) -> None:
    text = '{"$schema": "http://json-schema.org/draft-07/schema#", "type": "strnig", "properties": {"type": {"minimum": "1"}}}'
    found = check(tmp_path, {"values.schema.json": text})
    assert [f.tags[0] for f in found] == ["invalid-enum", "wrong-type"]
    assert found[0].suggestion == "Did you mean `string`?"


def test_helm_values_are_judged_by_the_charts_own_schema(tmp_path: Path) -> None:
    files = {
        "Chart.yaml": "apiVersion: v2\nname: a\nversion: 1.0.0\n",
        "values.schema.json": '{"$schema": "http://json-schema.org/schema#", "properties": {"replicas": {"type": "integer"}}}',
        "values.yaml": "replicas: many\n",
    }
    assert brief(check(tmp_path, files)) == [(1, 11, "wrong-type")]


def test_the_callers_schema_goes_before_all_others(tmp_path: Path) -> None:
    schema = write(tmp_path, "own.json", '{"required": ["team"]}')
    text = '{"$schema": "https://json.schemastore.org/package.json", "name": "a", "private": "yes"}'
    found = check(tmp_path, {"package.json": text}, user_schema=schema)
    assert [f.rule_id for f in found] == ["schema/missing-required"]


def test_a_rename_is_offered_and_mends_the_file(tmp_path: Path) -> None:
    schema = {
        "properties": {"timeout": {"type": "integer"}, "retries": {"type": "integer"}},
        "additionalProperties": False,
    }
    (found,) = judge(tmp_path, schema, '{"timeuot": 3}', name="app.json")
    assert mended(tmp_path, found) == '{"timeout": 3}'
