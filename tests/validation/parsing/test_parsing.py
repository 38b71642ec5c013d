"""From a file to its tree: the format, templates, merge conflicts, encodings, and large input."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automation_scripts.results import Severity
from automation_scripts.validation.documents.tree import Format, ParsedFile
from automation_scripts.validation.fixes.plan_fixes import apply_edits
from automation_scripts.validation.input.limits import Limits
from automation_scripts.validation.parsing.files import parse_file, parse_text
from automation_scripts.validation.parsing.yaml_types import differences, to_data
from tests.validation.parsing.conftest import check_findings

Parse = Callable[..., ParsedFile]


def rules(parsed: ParsedFile) -> list[str]:
    check_findings(parsed.findings, parsed.name)
    return [f.rule_id for f in parsed.findings]


def test_name_then_content_choose_the_format(parse: Parse) -> None:
    assert parse("a: 1", "a.yaml").format is Format.YAML
    assert parse('{"a": 1}', "a.json").format is Format.JSON
    assert parse('{"a": 1}', "a.yaml").format is Format.YAML
    assert parse('{"a": 1}', "noname").format is Format.JSON
    assert parse("[1, 2]\n", "noname").format is Format.JSON
    assert parse("[section]\n", "noname").format is Format.YAML
    assert parse('{"semi": false}', ".prettierrc").format is Format.JSON
    assert parse("semi: false", ".prettierrc").format is Format.YAML


def test_byte_order_marks(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(codecs.BOM_UTF8 + b"a: b: c\n")
    [finding] = parse_file(path, "a.yaml").findings
    assert (finding.line, finding.column) == (1, 5)
    path = tmp_path / "a.json"
    path.write_bytes(codecs.BOM_UTF8 + b'{"a": 1}')
    parsed = parse_file(path, "a.json")
    assert rules(parsed) == ["json/byte-order-mark"]
    assert to_data(parsed.documents[0].root) == {"a": 1}


def test_utf16_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes("a: é\n".encode("utf-16"))
    parsed = parse_file(path, "a.yaml")
    assert rules(parsed) == ["file/encoding"]
    assert to_data(parsed.documents[0].root) == {"a": "é"}


def test_invalid_utf8_and_nul_are_placed_and_the_rest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"a: caf\xe9\nb: x\x00y\nc: 1\n")
    parsed = parse_file(path, "a.yaml")
    assert [(f.rule_id, f.line, f.column) for f in parsed.findings] == [
        ("file/encoding", 1, 7),
        ("yaml/character", 2, 5),
    ]
    assert to_data(parsed.documents[0].root)["c"] == 1


def test_a_missing_file_is_a_finding(tmp_path: Path) -> None:
    assert rules(parse_file(tmp_path / "gone.yaml", "gone.yaml")) == ["file/unreadable"]


# Templates --------------------------------------------------------------------------------------------------

TEMPLATES = {
    "helm": "{{- if .Values.on }}\nkind: A\nmetadata:\n  name: {{ .Release.Name }}\n{{- end }}\n",
    "helm include": 'metadata:\n  labels:\n    {{- include "x.labels" . | nindent 4 }}\nspec: {}\n',
    "helm value": "kind: A\nspec:\n  replicas: {{ .Values.replicas }}\n",
    "helm part of a value": 'kind: A\nimage: {{ .Values.repo }}:{{ .Values.tag | default "latest" }}\n',
    "jinja loop": "{% for x in y %}\n- {{ x }}\n{% endfor %}\n",
    "jinja condition inside": "a: 1\n{% if b %}\nb: 2\n{% endif %}\n",
    "jinja comment": "{# why #}\na: 1\n",
    "erb": "a: <%= b %>\n<% if x %>\nb: 1\n<% end %>\n",
}


@pytest.mark.parametrize("case", TEMPLATES)
def test_a_template_is_information_and_no_error(parse: Parse, case: str) -> None:
    parsed = parse(TEMPLATES[case])
    assert parsed.documents == []
    [finding] = parsed.findings
    assert (finding.rule_id, finding.severity) == ("file/template", Severity.INFO)


def test_json_templates_and_template_names(parse: Parse) -> None:
    mixed = "a: {{ x }}\nb: '{{ y }}'\n"
    assert rules(parse(mixed, "app.template.yaml")) == ["file/template"]
    assert rules(parse(mixed, "roles/web/templates/a.yaml")) == ["file/template"]
    assert rules(parse(mixed, "tasks/a.yaml")) == ["yaml/unquoted-placeholder"]
    assert rules(parse('{"a": {{ x }}, "b": 1}', "a.json")) == ["file/template"]
    assert rules(parse('{"a": "{{ x }}"}', "a.json")) == []
    assert rules(parse("a: 1\n", "a.yaml.j2")) == ["file/template"]


def test_a_chart_s_templates_are_known_by_their_folder(tmp_path: Path) -> None:
    (tmp_path / "Chart.yaml").write_text("name: x\n")
    (tmp_path / "templates/sub").mkdir(parents=True)
    path = tmp_path / "templates/sub/a.yaml"
    path.write_text('a: "{{ .Values.x }}"\n')
    assert rules(parse_file(path, "templates/sub/a.yaml")) == ["file/template"]
    path.write_text("a: 1\n")
    assert rules(parse_file(path, "templates/sub/a.yaml")) == []


@pytest.mark.parametrize(
    "text",
    [
        "on: push\nenv:\n  A: ${{ github.ref }}\n  B: ${{ secrets.X }}-y\n",
        "a: '{{ x }}'\nb: \"pre {{ y }} post\"\n",
        "a: pre {{ x }} post\n",
        "data:\n  t: |\n    {{ if x }}\n    y: {{ z }}\n    {{ end }}\nb: 1\n",
        "# {{ x }}\n# {% y %}\na: 1\n",
        "a: {b: {c: 1}}\n",
        "cmd: docker ps --format '{{.Names}}'\n",
    ],
)
def test_placeholders_inside_values_leave_a_file_yaml(parse: Parse, text: str) -> None:
    parsed = parse(text)
    assert rules(parsed) == []
    assert parsed.documents


def test_a_real_error_in_a_file_with_placeholders_stays_an_error(parse: Parse) -> None:
    text = "data:\n  t: |\n    {{ if x }}\n    y\n    {{ end }}\nb: c: d\n"
    assert [(f.rule_id, f.line) for f in parse(text).findings] == [("yaml/syntax", 6)]
    text = 'a: "{{ x }}"\nb: "{{ y }}"\nc: [\nd: 1\n'
    assert [(f.rule_id, f.line) for f in parse(text).findings] == [("yaml/syntax", 3)]


@pytest.mark.parametrize(
    ("text", "line", "after"),
    [
        ("a: {{ x }}\nb: '{{ y }}'\n", 1, "a: \"{{ x }}\"\nb: '{{ y }}'\n"),
        ('b: "{{ y }}"\na: {{ x }}/bin # c\n', 2, 'b: "{{ y }}"\na: "{{ x }}/bin" # c\n'),
        ("b: '{{ y }}'\na: {{ x['k'] }}\n", 2, "b: '{{ y }}'\na: \"{{ x['k'] }}\"\n"),
    ],
)
def test_a_placeholder_that_lost_its_quotes_is_mended(parse: Parse, text: str, line: int, after: str) -> None:
    parsed = parse(text)
    assert rules(parsed) == ["yaml/unquoted-placeholder"]
    [finding] = parsed.findings
    assert (finding.line, finding.tags) == (line, ("syntax",))
    assert apply_edits(text, finding.fix) == after


def test_merge_conflicts_are_named(parse: Parse) -> None:
    text = "a: 1\n<<<<<<< HEAD\nb: 2\n=======\nb: 3\n>>>>>>> other\nc: 4\n"
    [finding] = parse(text).findings
    assert (finding.rule_id, finding.line, finding.tags) == ("file/merge-conflict", 2, ("syntax",))
    [finding] = parse('{\n<<<<<<< HEAD\n"a": 1\n=======\n"a": 2\n>>>>>>> x\n}\n', "a.json").findings
    assert (finding.rule_id, finding.line) == ("file/merge-conflict", 2)
    assert rules(parse("doc: |\n  <<<<<<< HEAD\n  a\n")) == []


# Everything -------------------------------------------------------------------------------------------------


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.binary(max_size=150), name=st.sampled_from(["a.yaml", "a.json", "tsconfig.json", "noname"]))
def test_any_bytes_of_a_file_give_findings_and_never_an_exception(tmp_path: Path, data: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    parsed = parse_file(path, name)
    check_findings(parsed.findings, name)
    for document in parsed.documents:
        json.dumps(to_data(document.root))
    check_findings(differences(parsed), name)


_PIECES = st.sampled_from(
    r"""a:_ b: -_ ?_ ~ ~__ ~____ ' " [ ] { } ,_ &x_ *x <<:_ !t_ |~ #c {{_y_}} ---~ ...~ no 0755 @ % 1:2 ^~ >-~ {%_z_%}
    //c~ \ é 😀 ﻿""".replace("\\ufeff", "\ufeff").split()
).map(lambda piece: piece.translate({ord("_"): " ", ord("~"): "\n", ord("^"): "\r", ord("@"): "\t"}))


@settings(deadline=None, max_examples=300)
@given(st.lists(_PIECES, max_size=25).map("".join), st.sampled_from(["a.yaml", "a.json"]))
def test_any_mixture_of_syntax_gives_findings_and_never_an_exception(text: str, name: str) -> None:
    parsed = parse_text(Path("/nowhere") / name, name, text)
    check_findings(parsed.findings, name)
    for document in parsed.documents:
        json.dumps(to_data(document.root))
        for _, _, node in document.root.walk():
            assert 0 <= node.span.start <= node.span.end <= len(text)
    for finding in [*parsed.findings, *differences(parsed)]:
        if finding.fix:
            apply_edits(text, finding.fix)


@pytest.mark.slow
def test_ten_megabytes_of_small_items_are_read_or_refused_within_the_limits(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    path.write_text("- a\n" * 2_600_000)
    parsed = parse_file(path, "big.yaml")
    assert rules(parsed) == ["yaml/too-large"]
    assert parsed.documents == []
    path.write_text("- {a: 1, b: [x, y]}\n" * 50_000)
    parsed = parse_file(path, "big.yaml", Limits(max_nodes=10_000_000))
    assert rules(parsed) == []
    assert len(parsed.documents[0].root.children) == 50_000


@pytest.mark.slow
def test_megabytes_of_hostile_text_cost_little(tmp_path: Path) -> None:
    for text in (
        "[" * 5_000_000,
        "{a: " * 2_000_000,
        "a: 'x' y\n" + "- " * 3_000_000,
        "'" * 5_000_000,
        "&a " * 1_000_000,
        "a: *x\n" * 300_000,
        "{{ x }}\n" * 300_000,
        "\x00" * 100_000,
        "a:\n" + "\t- b\n" * 300_000,
        "<<<<<<< x\n" * 100_000,
    ):
        for name in ("a.yaml", "a.json"):
            check_findings(parse_text(tmp_path / name, name, text).findings, name)
