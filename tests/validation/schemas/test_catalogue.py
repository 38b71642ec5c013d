"""The schemas that ship: all recorded, all compile, none is large, overlays apply, and updating is all or nothing."""

from __future__ import annotations

import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from automation_scripts.errors import ConfigurationError
from automation_scripts.validation.schemas import (
    entries,
    entry,
    entry_for_kind,
    entry_for_url,
    kubernetes,
    load,
    update,
)
from automation_scripts.validation.schemas.selection import catalogued
from automation_scripts.validation.schemas.store import (
    DATA,
    HERE,
    PackageSource,
    RepositorySource,
    apply_overlay,
    bundles,
    catalogue,
)
from automation_scripts.validation.schemas.transform import apply_changes

IDS = [found.id for found in entries()]


@pytest.mark.parametrize("schema_id", IDS)
def test_every_schema_compiles_and_is_recorded(schema_id: str) -> None:
    found = entry(schema_id)
    assert found.licence and found.title and found.date
    assert found.source is not None or found.version_note
    if found.source is not None:
        assert found.upstream
    if found.licence_file:
        text = (HERE / "licenses" / found.licence_file).read_text(encoding="utf-8")
        assert "Permission is hereby granted" in text or "Copyright" in text
    catalogued(schema_id).problems({})


def test_the_data_stays_small_and_nothing_lies_about_unrecorded() -> None:
    files = [path for path in DATA.iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 4_000_000
    recorded = {found.file for found in (*entries(), *bundles()) if (DATA / found.file).exists()}
    recorded |= {found.overlay for found in catalogue() if found.overlay}
    assert {path.name for path in files} == recorded
    shipped = {found.file for found in catalogue() if not isinstance(found.source, RepositorySource)}
    assert shipped <= recorded


@pytest.mark.parametrize(
    "url",
    [
        "https://json.schemastore.org/github-workflow.json",
        "http://json.schemastore.org/github-workflow",
        "https://www.schemastore.org/github-workflow.json#",
        "https://schemastore.org/github-workflow",
    ],
)
def test_an_address_means_the_same_however_it_is_written(url: str) -> None:
    found = entry_for_url(url)
    assert found is not None and found.id == "github-workflow"


def test_unknown_addresses_and_kinds_mean_nothing() -> None:
    assert entry_for_url("https://json.schemastore.org/no-such") is None
    assert entry_for_kind("no-such") is None
    assert entry_for_kind("openapi", "9.9") is None


def test_a_kind_with_versions_takes_the_documents_own() -> None:
    found = [entry_for_kind("openapi", version) for version in ("2.0", "3.0.3", "3.1.1")]
    assert [schema.id if schema else None for schema in found] == ["openapi-2.0", "openapi-3.0", "openapi-3.1"]


@pytest.mark.parametrize("key", kubernetes.definitions())
def test_every_kubernetes_kind_compiles(key: tuple[str, str]) -> None:
    compiled = kubernetes.schema_for(*key)
    assert compiled is not None
    compiled.problems({"apiVersion": key[0], "kind": key[1]})


def test_common_kubernetes_kinds_are_there() -> None:
    served = kubernetes.definitions()
    for version, kinds in {
        "v1": "Pod Service ConfigMap Secret Namespace ServiceAccount PersistentVolumeClaim PersistentVolume LimitRange",
        "apps/v1": "Deployment StatefulSet DaemonSet ReplicaSet",
        "batch/v1": "Job CronJob",
        "networking.k8s.io/v1": "Ingress NetworkPolicy IngressClass",
        "rbac.authorization.k8s.io/v1": "Role ClusterRole RoleBinding ClusterRoleBinding",
        "autoscaling/v2": "HorizontalPodAutoscaler",
        "policy/v1": "PodDisruptionBudget",
        "storage.k8s.io/v1": "StorageClass",
        "apiextensions.k8s.io/v1": "CustomResourceDefinition",
    }.items():
        for kind in kinds.split():
            assert (version, kind) in served


def test_an_overlay_that_finds_nothing_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="no '/properties/gone'"):
        apply_overlay({"properties": {}}, [{"at": "/properties/gone", "set": {"enum": ["a"]}}], "x.overlay.yaml")


def test_an_overlay_keeps_unset_fields_allowed() -> None:
    schema: dict[str, Any] = {"properties": {"a": {"type": ["string", "null"], "minLength": 1}}}
    apply_overlay(schema, [{"at": "/properties/a", "set": {"enum": ["x"]}, "drop": ["minLength"]}], "x")
    assert schema["properties"]["a"] == {"type": ["string", "null"], "enum": ["x", None]}


def test_prose_goes_and_names_that_look_like_prose_stay() -> None:
    schema = {
        "description": "d",
        "properties": {"description": {"type": "string", "description": "x"}, "default": {"default": 1}},
        "enum": [{"description": "kept"}],
    }
    assert apply_changes(schema, ("without-prose",)) == {
        "properties": {"description": {"type": "string"}, "default": {}},
        "enum": [{"description": "kept"}],
    }


# Updating, with a source that is no network ------------------------------------------------------------------


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the data to write to, and a `pip` that copies a wheel from a folder."""
    data = tmp_path / "data"
    data.mkdir()
    monkeypatch.setattr(update, "DATA", data)
    monkeypatch.setattr(update, "HERE", tmp_path)
    monkeypatch.setattr(update, "FETCHED", tmp_path / "fetched.json")
    return tmp_path


def offer(monkeypatch: pytest.MonkeyPatch, content: bytes | None) -> None:
    """Make the package source offer a wheel in which every schema has this content; None: it cannot be reached."""

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        if "download" not in command:
            return subprocess.CompletedProcess(command, 0, "", "")
        if content is None:
            return subprocess.CompletedProcess(command, 1, "", "ERROR: no connection")
        folder = Path(command[command.index("-d") + 1])
        with zipfile.ZipFile(folder / "offered-1-py3-none-any.whl", "w") as wheel:
            for found in entries():
                if isinstance(found.source, PackageSource):
                    wheel.writestr(zipfile.ZipInfo(found.source.member, (2030, 1, 2, 0, 0, 0)), content)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)


def test_update_stores_what_the_source_offers(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, b'{"description": "x", "type": "object"}')
    assert update.update(["compose"]) == ["compose"]
    assert json.loads((shelf / "data/compose.json").read_text()) == {"type": "object"}
    assert json.loads((shelf / "fetched.json").read_text())["compose"]["date"] == "2030-01-02"
    assert update.update(["compose"], check=True) == []


def test_check_changes_nothing(
    shelf: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    offer(monkeypatch, b'{"type": "object"}')
    assert update.main(["--check", "--only", "compose"]) == 1
    assert list((shelf / "data").iterdir()) == []
    assert "compose: would change" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be downloaded: ERROR: no connection Is the network reachable?"),
        (b"<html>", "is no JSON"),
        (b"[]", "is no schema"),
        (b"{}", "the change expects: '\\$defs' is missing"),
    ],
)
def test_a_source_that_fails_is_a_clear_error_and_writes_nothing(
    shelf: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, message: str
) -> None:
    offer(monkeypatch, content)
    with pytest.raises(ConfigurationError, match=message):
        update.update(["compose", "kubernetes"])
    assert list((shelf / "data").iterdir()) == []


def test_an_unreachable_upstream_is_a_clear_error(
    shelf: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import httpx

    def get(url: str, **_: Any) -> httpx.Response:
        raise httpx.ConnectError("no route")

    monkeypatch.setattr(httpx, "get", get)
    assert update.main(["--upstream", "--only", "compose"]) == 1
    assert "compose: https://raw.githubusercontent.com" in capsys.readouterr().err


def test_an_unknown_id_is_a_clear_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert update.main(["--only", "composer"]) == 1
    assert "No such schema: composer" in capsys.readouterr().err


def test_loading_is_cached() -> None:
    assert load("compose") is load("compose")
