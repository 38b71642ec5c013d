"""Custom resources: by the definitions in the tree, by those that many clusters have, else left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from automation_scripts.validation.schemas import archive, custom_resources
from automation_scripts.validation.schemas.store import DATA
from tests.validation.schemas.support import brief, check

DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: shops.example.com}
spec:
  group: example.com
  names: {kind: Shop, plural: shops}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              required: [size, owner]
              properties:
                size: {type: integer, minimum: 1}
                owner: {type: string, default: nobody}
                mode: {type: string, enum: [open, closed]}
                port: {x-kubernetes-int-or-string: true, anyOf: [{type: integer}, {type: string}]}
                free: {type: object, x-kubernetes-preserve-unknown-fields: true}
                labels: {type: object, additionalProperties: {type: string}}
                note: {type: string, nullable: true}
                template: {type: object, x-kubernetes-embedded-resource: true, properties: {spec: {type: object}}}
                odd: {type: string, pattern: '^(?i)[a-z]+$'}
              oneOf: [{required: [mode]}, {required: [port]}]
"""


def shop(spec: str) -> dict[str, str]:
    text = f"apiVersion: example.com/v1\nkind: Shop\nmetadata: {{name: a}}\nspec: {spec}\n"
    return {"crds/shop.yaml": DEFINITION, "shop.yaml": text}


@pytest.mark.parametrize(
    "spec",
    [
        "{size: 1, mode: open}",
        "{size: 1, port: 80}",
        "{size: 1, port: http, free: {any: [1]}, labels: {a: b}, note: null, odd: ABC}",
        "{size: 1, mode: open, template: {apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {}}}",
        "{size: 1, mode: open, owner: null}",
    ],
)
def test_what_a_definition_in_the_tree_allows(tmp_path: Path, spec: str) -> None:
    assert [f.message for f in check(tmp_path, shop(spec))] == []


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("{siez: 1, mode: open}", (4, 8, "unknown-key")),
        ("{size: many, mode: open}", (4, 14, "wrong-type")),
        ("{size: 0, mode: open}", (4, 14, "invalid-value")),
        ("{size: 1, mode: opne}", (4, 23, "invalid-enum")),
        ("{mode: open}", (4, 1, "missing-required")),
        ("{size: 1, mode: open, labels: {a: 1}}", (4, 41, "wrong-type")),
        ("{size: 1, mode: open, port: 80}", (4, 29, "conflict")),
    ],
)
def test_what_a_definition_in_the_tree_forbids(tmp_path: Path, spec: str, expected: tuple[int, int, str]) -> None:
    assert brief(check(tmp_path, shop(spec))) == [expected]


def test_other_versions_and_groups_are_left_alone(tmp_path: Path) -> None:
    files = shop("{}")
    files["shop.yaml"] = files["shop.yaml"].replace("example.com/v1", "example.com/v2")
    assert check(tmp_path, files) == []


def test_a_definition_that_cannot_be_used_stops_nothing(tmp_path: Path) -> None:
    files = shop("{size: x}")
    files["crds/shop.yaml"] = files["crds/shop.yaml"].replace("{type: integer, minimum: 1}", "{type: 7}")
    files["pod.yaml"] = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {contaners: []}\n"
    assert "pod.yaml" in {f.file for f in check(tmp_path, files)}


APPLICATION = """
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: a, namespace: argocd}
spec:
  project: default
  source: {repoURL: https://example.com/x.git, path: a, targetRevision: main}
  destination: {server: https://kubernetes.default.svc, namespace: a}
  syncPolicy: {automated: {prune: true}}
"""


WELL_KNOWN = pytest.mark.skipif(
    not (DATA / "custom-resources.zip").exists(), reason="not shipped: bring them with the update command"
)


@WELL_KNOWN
def test_well_known_resources(tmp_path: Path) -> None:
    assert check(tmp_path, {"a.yaml": APPLICATION}) == []
    wrong = APPLICATION.replace("prune: true", 'prun: "yes"').replace("project: default\n", "projct: default\n")
    assert brief(check(tmp_path, {"a.yaml": wrong})) == [(5, 3, "unknown-key"), (8, 28, "unknown-key")]


def test_a_default_of_a_required_key_need_not_be_written(tmp_path: Path) -> None:
    text = """
        apiVersion: generators.external-secrets.io/v1alpha1
        kind: Password
        metadata: {name: a}
        spec: {length: 20}
        """
    assert check(tmp_path, {"a.yaml": text}) == []


def test_assertions_of_cluster_tests_are_fragments(tmp_path: Path) -> None:
    text = (
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\nstatus: {(health != null): true}\n"
    )
    assert check(tmp_path, {"chainsaw/app-assert.yaml": text}) == []


def test_a_name_is_required_of_what_is_kept(tmp_path: Path) -> None:
    pod = "apiVersion: v1\nkind: ConfigMap\n%sdata: {a: b}\n"
    assert brief(check(tmp_path, {"a.yaml": pod % ""})) == [(1, 1, "missing-required")]
    assert brief(check(tmp_path, {"b.yaml": pod % "metadata: {labels: {a: b}}\n"})) == [(3, 1, "missing-required")]
    assert check(tmp_path, {"c.yaml": pod % "metadata: {generateName: a-}\n"}) == []
    review = "apiVersion: authorization.k8s.io/v1\nkind: SelfSubjectAccessReview\nspec: {}\n"
    assert check(tmp_path, {"d.yaml": review}) == []


@WELL_KNOWN
@pytest.mark.parametrize("start", range(5))
def test_well_known_resources_compile(start: int) -> None:
    for name in sorted(archive.names("custom-resources.zip"))[start::15]:
        group, _, file = name.partition("/")
        kind, _, version = file.removesuffix(".json").rpartition("_")
        compiled = custom_resources.well_known(f"{group}/{version}", kind)
        assert compiled is not None
        compiled.problems({})
