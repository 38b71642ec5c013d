"""Which version of Kubernetes judges an object, and what the versions serve."""

from __future__ import annotations

from pathlib import Path

import pytest

from automation_scripts.errors import InvalidParameters
from automation_scripts.validation.schemas import kubernetes
from automation_scripts.validation.schemas.kubernetes_versions import (
    NEWEST,
    definitions_of,
    known_versions,
    newest_allowed,
    version_of_address,
)
from automation_scripts.validation.schemas.store import entry
from tests.validation.schemas.support import brief, check

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: b}], resources: {}}\n"
"""`resources` of a whole pod came with 1.32."""


def test_a_dozen_versions_are_here_and_the_newest_comes_first() -> None:
    assert entry("kubernetes").title == f"Kubernetes {NEWEST}"
    assert known_versions()[0] == NEWEST
    assert len(known_versions()) >= 12 and "1.29" in known_versions()


def test_each_version_serves_what_it_served() -> None:
    assert ("autoscaling/v2beta2", "HorizontalPodAutoscaler") in kubernetes.definitions("1.25")
    assert ("autoscaling/v2beta2", "HorizontalPodAutoscaler") not in kubernetes.definitions("1.26")
    assert ("flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema") in kubernetes.definitions("1.31")
    assert ("flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema") not in kubernetes.definitions("1.32")


@pytest.mark.parametrize("version", known_versions())
def test_every_version_compiles_and_keeps_the_overlay(version: str) -> None:
    compiled = kubernetes.schema_for("v1", "Service", version)
    assert compiled is not None
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"type": "Nodeport"}}
    assert [problem.keyword for problem in compiled.problems(service)] == ["enum"]
    assert "x-kubernetes-preserve-unknown-fields" not in str(definitions_of(version)["$defs"]["io.k8s.api.core.v1.Pod"])


def test_the_newest_version_judges_by_default(tmp_path: Path) -> None:
    assert check(tmp_path, {"pod.yaml": POD}) == []


def test_the_caller_names_a_version(tmp_path: Path) -> None:
    found = check(tmp_path, {"pod.yaml": POD}, kubernetes_version="v1.28.3")
    assert brief(found) == [(4, 43, "unknown-key")] and "Kubernetes 1.28 Pod" in found[0].message


def test_a_version_that_is_not_here_is_the_callers_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameters, match="kubernetes_version: '1.9' is none of the versions"):
        check(tmp_path, {"pod.yaml": POD}, kubernetes_version="1.9")


@pytest.mark.parametrize(
    "line",
    [
        "# kubernetes-version: 1.28\n",
        "# yaml-language-server: $schema=https://raw.githubusercontent.com/yannh/kubernetes-json-schema/master/"
        "v1.28.4-standalone-strict/pod-v1.json\n",
    ],
)
def test_a_file_names_a_version_and_goes_before_the_caller(tmp_path: Path, line: str) -> None:
    assert brief(check(tmp_path, {"pod.yaml": line + POD}, kubernetes_version="1.36")) == [(5, 43, "unknown-key")]


def test_a_chart_names_the_versions_that_it_supports(tmp_path: Path) -> None:
    chart = 'apiVersion: v2\nname: a\nversion: 1.0.0\nkubeVersion: ">=1.25.0-0 <1.29.0-0"\n'
    files = {"chart/Chart.yaml": chart, "chart/crds/pod.yaml": POD, "other/pod.yaml": POD}
    assert [(f.file, f.line) for f in check(tmp_path, files)] == [("chart/crds/pod.yaml", 4)]


@pytest.mark.parametrize(
    ("constraint", "version"),
    [
        (">=1.25.0-0", NEWEST),
        ("<1.30.0", "1.29"),
        ("<=1.30", "1.30"),
        ("<1.30.5", "1.30"),
        ("~1.28.0", "1.28"),
        ("1.27.x || 1.29.x", "1.29"),
        ("^1.20.0", NEWEST),
        (">=1.22.0-0, <1.27", "1.26"),
        ("<1.20", None),
        ("*", None),
    ],
)
def test_constraints_of_charts(constraint: str, version: str | None) -> None:
    assert newest_allowed(constraint) == version


def test_addresses_of_published_schemas() -> None:
    assert version_of_address("https://example.com/v1.31.2-standalone/deployment-apps-v1.json") == "1.31"
    assert version_of_address("https://example.com/v1.2.0/deployment.json") is None
    assert version_of_address("https://json.schemastore.org/kustomization.json") is None
