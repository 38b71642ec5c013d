"""Nothing is opened over an address that is in clear, or where nobody checks who answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from automation_scripts.cli.keks import kek_uses
from automation_scripts.cli.policy_people import existing_directory
from automation_scripts.errors import ConfigurationError
from automation_scripts.governance import opened
from automation_scripts.governance.communications import check_communications, insecure
from automation_scripts.orchestrator import AutomationOrchestrator
from automation_scripts.settings import Settings, load_settings
from tests.governance.encryption.test_secure_urls import ELSEWHERE, LOOPBACK

OFF = {"automation": {"security": {"encrypt_communications": False}}}
EVIL = "postgresql://ada:canary@db.example.org/automation"
S3 = {"governance": {"anchors": [{"s3": "bucket/audit"}]}}
KMS = {"governance": {"kms_key": "alias/automation"}}


def settings(home: Path, **sections: Any) -> Settings:
    return Settings.model_validate({"home": home, **sections})


def database(home: Path, section: str, key: str, url: str) -> Settings:
    # Past the check of its form: a tricky address must do no harm even if it got there.
    parsed = settings(home)
    changed = getattr(parsed, section).model_copy(update={key: url})
    return parsed.model_copy(update={section: changed})


PLACES = [("history", "url"), ("governance", "url"), ("governance", "audit_url")]


@pytest.mark.parametrize(("section", "key"), PLACES)
@pytest.mark.parametrize(
    "url",
    [
        EVIL,
        f"{EVIL}?sslmode=require",
        f"{EVIL}?sslmode=verify-ca",
        f"{EVIL}?sslmode=verify-full&sslmode=disable",
        f"{EVIL}?sslmode=verify-full%23",
        "postgresql+psycopg://db.example.org/x",
        "postgres://db.example.org/x",
        "postgresql://localhost,db.example.org/x",
        "postgresql://localhost/x?host=db.example.org",
        "postgresql://localhost/x?host=localhost&host=db.example.org:5432",
        "postgresql://localhost/x?hostaddr=8.8.8.8",
        "postgresql:///x?service=elsewhere",
        # A password with a slash for SQLAlchemy, which connects to what follows the @; a path for RFC 3986.
        "postgresql://localhost:5432/x@db.example.org/x",
        "postgresql://localhost#@db.example.org/x",
        "postgresql://localhost?@db.example.org/x?host=db.example.org",
        "postgresql://[::1]:1/@[2001:db8::1]/x",
    ],
)
def test_a_database_elsewhere_needs_a_checked_certificate(tmp_path: Path, section: str, key: str, url: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        check_communications(database(tmp_path, section, key, url), {})
    assert f"({section}.{key})" in str(refused.value)
    assert "?sslmode=verify-full" in str(refused.value)
    assert "encrypt_communications: false" in str(refused.value)
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(("section", "key"), PLACES)
@pytest.mark.parametrize(
    "url",
    [
        f"{EVIL}?sslmode=verify-full",
        "postgresql+psycopg://ada:p%40ss@db.example.org:5433/x?sslmode=verify-full&sslrootcert=/etc/ca.pem",
        "postgresql://localhost,127.0.0.1/x",
        "postgresql:///x",
        "postgresql:///x?host=/run/postgresql",
        "sqlite:////somewhere/x.db",
    ],
)
def test_checked_and_local_databases_are_accepted(tmp_path: Path, section: str, key: str, url: str) -> None:
    check_communications(database(tmp_path, section, key, url), {})


@pytest.mark.parametrize("host", ELSEWHERE)
def test_plain_http_and_postgresql_go_to_this_machine_alone(tmp_path: Path, host: str) -> None:
    wanted = settings(tmp_path)
    prefect = wanted.prefect.model_copy(update={"api_url": f"http://{host}:4200/api"})
    for refused in (
        wanted.model_copy(update={"prefect": prefect}),
        database(tmp_path, "history", "url", f"postgresql://{host}/x"),
    ):
        assert list(insecure(refused, {})) != []


@pytest.mark.parametrize("host", LOOPBACK)
def test_this_machine_is_known_by_all_its_names(tmp_path: Path, host: str) -> None:
    check_communications(settings(tmp_path, prefect={"api_url": f"http://{host}:4200/api"}), {})
    check_communications(database(tmp_path, "governance", "audit_url", f"postgresql://u:p@{host}:5432/x"), {})


def test_the_prefect_api_is_named_with_what_to_write(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("{}")
    environ = {"AUTOMATION_HOME": str(tmp_path), "PREFECT_API_URL": "http://prefect.example.org/api"}
    with pytest.raises(ConfigurationError, match=r"prefect\.api_url, or PREFECT_API_URL.*Use https"):
        check_communications(load_settings(file, environ), {})
    check_communications(settings(tmp_path, prefect={"api_url": "https://prefect.example.org/api"}), {})


@pytest.mark.parametrize(
    ("sections", "environ", "refused"),
    [
        (S3, {"AWS_ENDPOINT_URL_S3": "http://minio.example.org"}, True),
        (S3, {"AWS_ENDPOINT_URL": "http://minio.example.org"}, True),
        (S3, {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9000", "AWS_ENDPOINT_URL": "http://x"}, False),
        (S3, {"AWS_ENDPOINT_URL_S3": "https://minio.example.org"}, False),
        (KMS, {"AWS_ENDPOINT_URL_KMS": "http://kms.example.org"}, True),
        (KMS, {"AWS_ENDPOINT_URL_S3": "http://not-used.example.org"}, False),
        ({}, {"AWS_ENDPOINT_URL": "http://not-used.example.org"}, False),
    ],
)
def test_endpoints_of_aws(tmp_path: Path, sections: dict[str, Any], environ: dict[str, str], refused: bool) -> None:
    faults = list(insecure(settings(tmp_path, **sections), environ))
    assert bool(faults) == refused
    assert all("AWS_ENDPOINT_URL" in fault and "https" in fault for fault in faults)


@pytest.mark.parametrize(
    ("environ", "url", "refused"),
    [
        ({"PGHOST": "db.example.org"}, "postgresql:///x", True),
        ({"PGHOST": "db.example.org"}, "postgresql://localhost/x", False),
        ({"PGHOST": "/run/postgresql"}, "postgresql:///x", False),
        ({"PGHOSTADDR": "8.8.8.8"}, "postgresql://localhost/x", True),
        ({"PGSERVICE": "elsewhere"}, "postgresql://localhost/x", True),
        ({"PGHOSTADDR": "8.8.8.8"}, "postgresql://db.example.org/x?sslmode=verify-full", False),
        ({"PGHOST": "db.example.org"}, "sqlite:////x.db", False),
    ],
)
def test_what_libpq_takes_from_the_environment_counts(
    tmp_path: Path, environ: dict[str, str], url: str, refused: bool
) -> None:
    assert bool(list(insecure(database(tmp_path, "history", "url", url), environ))) == refused


def test_every_fault_is_told_at_once_and_all_can_be_switched_off(tmp_path: Path) -> None:
    bad = {"history": {"url": EVIL}, "prefect": {"api_url": "http://prefect.example.org/api"}}
    with pytest.raises(ConfigurationError, match=r"(?s)prefect\.api_url.*history\.url"):
        check_communications(settings(tmp_path, **bad), {})
    check_communications(settings(tmp_path, **bad, **OFF), {})


OPENERS: list[Callable[[Settings], object]] = [
    opened.open_gate,
    opened.open_store,
    opened.open_audit,
    opened.open_vault,
    opened.open_approvals,
    opened.open_identity,
    kek_uses,
    existing_directory,
    AutomationOrchestrator,
]


@pytest.mark.parametrize("opener", OPENERS, ids=lambda opener: opener.__name__)
@pytest.mark.parametrize(("section", "key"), [*PLACES, ("prefect", "api_url")])
def test_nothing_is_opened_then(tmp_path: Path, opener: Callable[[Settings], object], section: str, key: str) -> None:
    home = tmp_path / "home"
    url = "http://prefect.example.org/api" if section == "prefect" else EVIL
    with pytest.raises(ConfigurationError, match=rf"{section}\.{key}"):
        opener(database(home, section, key, url))
    assert not home.exists()
