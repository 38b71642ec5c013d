"""With and without the cache the same is found, and no secret is kept."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automation_scripts.errors import InvalidParameters
from automation_scripts.results import Finding, Severity
from automation_scripts.validation import checks
from automation_scripts.validation.documents.corpus import Corpus
from automation_scripts.validation.input.discovery import discover
from automation_scripts.validation.parameters import ConfigValidatorParameters
from automation_scripts.validation.parsing.files import parse_file
from automation_scripts.validation.team import cache as cache_module
from automation_scripts.validation.team import engine
from automation_scripts.validation.team.cache import Checked, ValidationCache
from tests.validation.team.trees import write

SECRET = "tr0ub4dor-and-3-horses"
PIN = "0755"
DEPLOYMENT = (
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: two\n"
    "  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n"
    "      containers:\n        - name: web\n          image: nginx:latest\n          securityContext: {privileged: true}\n"
)
CRD = (
    "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.example.org}\nspec:\n"
    "  group: example.org\n  names: {kind: Thing, plural: things}\n  scope: Namespaced\n  versions:\n"
    "    - name: v1\n      served: true\n      storage: true\n      schema:\n        openAPIV3Schema:\n          type: object\n"
    "          properties:\n            spec: {type: object, properties: {size: {type: integer}}}\n"
)
TREE = {
    "k8s/deployment.yaml": DEPLOYMENT,
    "k8s/kustomization.yaml": "kind: Kustomization\nresources: [deployment.yaml]\npatches:\n  - path: small.yaml\n",
    "k8s/small.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 3}\n",
    "k8s/crd.yaml": CRD,
    "k8s/thing.yaml": "apiVersion: example.org/v1\nkind: Thing\nmetadata: {name: t}\nspec: {size: big}\n",
    "compose.yaml": (
        f"services:\n  db:\n    image: postgres\n    environment:\n      DB_PASSWORD: {SECRET}\n      PIN_PASSWORD: {PIN}\n"
        f"      URL: postgres://u:{SECRET}@db/x\n    ports: ['5432:5432']\n"
    ),
    "app.json": '{"$schema": "./app.schema.json", "port": 70000, "verify_ssl": false}',
    "app.schema.json": '{"type": "object", "properties": {"port": {"type": "string"}}}',
    "values.production.yaml": "debug: true\nlog: info\ntimeout: 30\nswitch: yes\n",
    "values.staging.yaml": "debug: false\nlog: info\ntimeout: 30\nextra: 1\n",
    "broken.yaml": "a: [1\nb: 2\n",
    "chart/Chart.yaml": "apiVersion: v2\nname: x\nversion: 1.0.0\n",
    "chart/templates/a.yaml": "{{- if .Values.on }}\na: 1\n{{- end }}\n",
    "twice.yaml": "a: 1\na: 2\n---\nb: &x 1\n",
}


NO_SCHEMA_OF_ITS_OWN = {name: text for name, text in TREE.items() if not name.startswith("app.")}
"""Without the document whose schema is judged in a process of its own, which takes its time."""


def chosen(root: Path, **more: Any) -> ConfigValidatorParameters:
    return ConfigValidatorParameters(config_path=str(root), **more)


def plain(root: Path, parameters: ConfigValidatorParameters | None = None, environment: str | None = None) -> Checked:
    parameters = parameters or chosen(root)
    found = discover(root)
    corpus = Corpus([parse_file(file.path, file.name, kind=file.kind) for file in found.files])
    rules = checks.rules(corpus, checks.chosen_rules(parameters), environment)
    return Checked(
        checks.versions(corpus), checks.schemas(corpus, found.root, parameters), rules, checks.security(corpus)
    )


def cached(
    root: Path,
    folder: Path,
    parameters: ConfigValidatorParameters | None = None,
    environment: str | None = None,
) -> tuple[Checked, ValidationCache]:
    found = discover(root)
    with ValidationCache(folder) as cache:
        corpus = Corpus([cache.parse(file) for file in found.files])
        return cache.check(corpus, found.root, parameters or chosen(root), environment), cache


def told(checked: Checked) -> list[list[tuple[Any, ...]]]:
    def place(f: Finding) -> tuple[Any, ...]:
        return (f.file or "", f.line or 0, f.column or 0, f.rule_id, f.message, str(f.to_dict()))

    return [sorted(map(place, family)) for family in checked]


def test_the_second_time_nothing_is_parsed_or_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = {name: text.replace(PIN, "755") for name, text in NO_SCHEMA_OF_ITS_OWN.items()}
    root = write(tmp_path / "tree", {name: tree[name] for name in tree if name not in ("broken.yaml", "twice.yaml")})
    first, before = cached(root, tmp_path / "cache")
    assert before.hits == 0
    assert told(first) == told(plain(root))
    assert all(first), "every family has something to find"

    def never(*_: object, **__: object) -> None:
        raise AssertionError("this was to come from the cache")

    for family in ("versions", "schemas", "rules", "security", "chosen_rules"):
        monkeypatch.setattr(checks, family, never)
    monkeypatch.setattr(cache_module, "parse_text", never)
    second, after = cached(root, tmp_path / "cache")
    assert second == first
    assert after.misses == 0


Edit = tuple[str, str, str]
edits = st.lists(
    st.tuples(
        st.sampled_from(sorted(NO_SCHEMA_OF_ITS_OWN)),
        st.sampled_from(["append", "shift", "delete", "restore", "break", "copy", "swap"]),
        st.sampled_from(["x: yes\n", "password: s3cr3t-value-4711\n", "image: a:latest\n", "a: 1\na: 2\n"]),
    ),
    min_size=1,
    max_size=4,
)


def edit(root: Path, step: Edit) -> None:
    name, how, text = step
    path = root / name
    now = path.read_text() if path.exists() else ""
    if how == "delete":
        path.unlink(missing_ok=True)
        return
    content = {
        "append": now + text,
        "shift": "# a comment\n" + now,
        "break": now + "]: [\n",
        "restore": TREE[name],
        "swap": list(NO_SCHEMA_OF_ITS_OWN.values())[len(now) % len(NO_SCHEMA_OF_ITS_OWN)],
        "copy": now,
    }[how]
    path.write_text(content)
    if how == "copy":
        (path.parent / f"copy-{path.name}").write_text(content)


@settings(max_examples=8, deadline=None)
@given(edits)
def test_with_and_without_the_same_is_found_over_any_edits(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Edit]
) -> None:
    base = tmp_path_factory.mktemp("edits")
    root = write(base / "tree", NO_SCHEMA_OF_ITS_OWN)
    cached(root, base / "cache")
    for step in steps:
        edit(root, step)
        assert told(cached(root, base / "cache")[0]) == told(plain(root)), step
    assert told(cached(root, base / "cache")[0]) == told(plain(root))


@pytest.mark.parametrize("name", ["k8s/kustomization.yaml", "k8s/crd.yaml", "app.schema.json", "chart/Chart.yaml"])
def test_a_file_that_others_are_judged_by(tmp_path: Path, name: str) -> None:
    root = write(tmp_path / "tree", TREE if name.startswith("app.") else NO_SCHEMA_OF_ITS_OWN)
    before = told(cached(root, tmp_path / "cache")[0])
    (root / name).unlink()
    after = told(cached(root, tmp_path / "cache")[0])
    assert after == told(plain(root))
    write(root, {name: TREE[name]})
    assert told(cached(root, tmp_path / "cache")[0]) == before


def test_a_schema_that_is_not_among_the_files(tmp_path: Path) -> None:
    root = write(tmp_path / "tree", {"app.json": '{"$schema": ".hidden/s.json", "port": 1}', "b.yaml": "a: yes\n"})
    assert cached(root, tmp_path / "cache")[0].schemas[0].rule_id == "schema/missing-schema"
    write(root, {".hidden/s.json": '{"properties": {"port": {"type": "string"}}}'})
    assert [f.rule_id for f in cached(root, tmp_path / "cache")[0].schemas] == ["schema/wrong-type"]
    write(root, {".hidden/s.json": '{"properties": {"port": {"type": "integer"}}}'})
    assert cached(root, tmp_path / "cache")[0].schemas == []


def test_a_schema_of_the_caller_is_asked_every_time(tmp_path: Path) -> None:
    root = write(tmp_path / "tree", {"a.yaml": "port: 1\n"})
    write(tmp_path, {"s.json": '{"properties": {"port": {"type": "string"}}}'})
    parameters = chosen(root, schema_path=str(tmp_path / "s.json"))
    assert len(cached(root, tmp_path / "cache", parameters)[0].schemas) == 1
    write(tmp_path, {"s.json": '{"properties": {"port": {"type": "integer"}}}'})
    assert cached(root, tmp_path / "cache", parameters)[0].schemas == []


def test_other_parameters_are_other_findings(tmp_path: Path) -> None:
    rule = (
        "rules:\n  - id: own/replicas\n    class: invalid-value\n    select: log\n"
        "    when: environment == 'production'\n    assert: value == 'warn'\n    message: no\n"
        "    bad: 'log: info'\n    good: 'log: warn'\n"
    )
    root = write(tmp_path / "tree", NO_SCHEMA_OF_ITS_OWN)
    write(tmp_path, {"rules.yaml": rule})
    for parameters in (
        chosen(root),
        chosen(root, rules_path=str(tmp_path / "rules.yaml")),
        chosen(root, validation_rules="strict"),
    ):
        for environment in (None, "production"):
            got = cached(root, tmp_path / "cache", parameters, environment)[0]
            assert told(got) == told(plain(root, parameters, environment))
    parameters = chosen(root, rules_path=str(tmp_path / "rules.yaml"))
    assert any(f.rule_id == "own/replicas" for f in cached(root, tmp_path / "cache", parameters, "production")[0].rules)
    write(tmp_path, {"rules.yaml": rule.replace("'warn'\n    message", "'info'\n    message")})
    got = cached(root, tmp_path / "cache", parameters, "production")[0]
    assert not any(f.rule_id == "own/replicas" for f in got.rules)


def test_a_rule_that_fails_too_often_is_no_matter_of_one_file(tmp_path: Path) -> None:
    rule = "rules:\n  - id: own/size\n    class: invalid-value\n    select: '**.size'\n    assert: value.x > 1\n    message: no\n"
    write(tmp_path, {"rules.yaml": rule})
    root = write(tmp_path / "tree", {f"f{n:02}.yaml": "size: 3\n" if n % 2 else "size: {x: 0}\n" for n in range(20)})
    parameters = chosen(root, rules_path=str(tmp_path / "rules.yaml"))
    expected = told(plain(root, parameters))
    for _ in range(2):
        assert told(cached(root, tmp_path / "cache", parameters)[0]) == expected
    write(root, {"f01.yaml": "size: {x: 2}\n"})
    assert told(cached(root, tmp_path / "cache", parameters)[0]) == told(plain(root, parameters))


def test_wrong_rules_are_told_as_ever(tmp_path: Path) -> None:
    root = write(tmp_path / "tree", {"a.yaml": "a: 1\n"})
    cached(root, tmp_path / "cache")
    write(tmp_path, {"rules.yaml": "rules: 3\n"})
    with pytest.raises(InvalidParameters):
        cached(root, tmp_path / "cache", chosen(root, rules_path=str(tmp_path / "rules.yaml")))


def test_nothing_is_reused_when_the_checks_are_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write(tmp_path / "tree", NO_SCHEMA_OF_ITS_OWN)
    cached(root, tmp_path / "cache")
    monkeypatch.setattr(cache_module, "engine_digest", lambda: "another")
    assert cached(root, tmp_path / "cache")[1].hits == 0


def test_the_digest_of_the_checks_changes_with_any_of_their_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(engine._VALIDATION / "rules", tmp_path / "package/validation/rules")
    monkeypatch.setattr(engine, "_VALIDATION", tmp_path / "package/validation")
    before = engine.engine_digest.__wrapped__()
    assert before == engine.engine_digest.__wrapped__()
    write(tmp_path, {"package/validation/rules/built_in/new.yaml": "rules: []\n"})
    assert engine.engine_digest.__wrapped__() != before


def test_corrupted_entries_are_found_anew(tmp_path: Path) -> None:
    root = write(tmp_path / "tree", NO_SCHEMA_OF_ITS_OWN)
    first, _ = cached(root, tmp_path / "cache")
    for path in (tmp_path / "cache").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-1])
    second, cache = cached(root, tmp_path / "cache")
    assert told(second) == told(first)
    assert cache.hits == 0


def test_a_folder_that_cannot_be_used_changes_no_result(tmp_path: Path) -> None:
    root = write(tmp_path / "tree", NO_SCHEMA_OF_ITS_OWN)
    (tmp_path / "file").write_text("")
    got, cache = cached(root, tmp_path / "file")
    assert cache.problem
    assert told(got) == told(plain(root))


def test_no_secret_is_stored(tmp_path: Path) -> None:
    root = write(tmp_path / "tree", TREE | {"pin.yaml": f"password: {PIN}\nkey: |\n  {SECRET}\n  second line\n"})
    got, _ = cached(root, tmp_path / "cache")
    assert sum("secret" in f.rule_id for f in got.security) >= 3
    stored = b"".join(path.read_bytes() for path in (tmp_path / "cache").rglob("*") if path.is_file())
    assert len(stored) > 1000
    assert SECRET.encode() not in stored
    assert told(cached(root, tmp_path / "cache")[0]) == told(got)


def test_a_file_whose_findings_carry_a_secret_is_not_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write(tmp_path / "tree", NO_SCHEMA_OF_ITS_OWN)
    honest = checks.versions

    def careless(corpus: Corpus) -> list[Finding]:
        return [*honest(corpus), *(_leak(file.name) for file in corpus.files if file.name == "compose.yaml")]

    def _leak(name: str) -> Finding:
        return Finding("x/careless", Severity.HIGH, f"the value is {SECRET}", file=name, tags=("drift",))

    monkeypatch.setattr(checks, "versions", careless)
    for _ in range(2):
        assert any(f.rule_id == "x/careless" for f in cached(root, tmp_path / "cache")[0].versions)
    assert SECRET.encode() not in b"".join(p.read_bytes() for p in (tmp_path / "cache").rglob("*") if p.is_file())


def test_the_families_that_are_kept_by_file_look_at_one_file_at_a_time(tmp_path: Path) -> None:
    root = write(tmp_path / "tree", TREE)
    corpus = Corpus([parse_file(file.path, file.name, kind=file.kind) for file in discover(root).files])
    rules = checks.chosen_rules(chosen(root))
    for family in (checks.versions, checks.security, lambda part: checks.rules(part, rules, None)):
        whole = family(corpus)
        alone = [finding for file in corpus.files for finding in family(Corpus([file]))]
        assert whole
        assert sorted(f.fingerprint for f in whole) == sorted(f.fingerprint for f in alone)
