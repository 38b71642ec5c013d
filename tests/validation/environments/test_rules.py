"""Each rule on a pair that breaks it and on one that does not, with exact lines."""

from __future__ import annotations

import pytest

from automation_scripts.results import Severity
from tests.validation.environments.conftest import DEVELOPMENT, PRODUCTION, STAGING, found_in, line_of, told

P, S, D = "config.production.yaml", "config.staging.yaml", "config.development.yaml"


def test_three_environments_that_differ_as_real_ones_do_give_nothing() -> None:
    assert found_in({P: PRODUCTION, S: STAGING, D: DEVELOPMENT}) == []


@pytest.mark.parametrize("names", [(P, S), (P, D), (S, D)])
def test_any_two_of_them_give_nothing(names: tuple[str, str]) -> None:
    texts = {P: PRODUCTION, S: STAGING, D: DEVELOPMENT}
    assert found_in({name: texts[name] for name in names}) == []


def test_identical_files_and_a_single_file_give_nothing() -> None:
    own = PRODUCTION.replace("prod.internal", "example.com")
    assert found_in({P: PRODUCTION}) == []
    same = own.replace("db.example.com", "localhost").replace("rediss://cache.example.com:6380/0", "cache")
    assert found_in({P: same, S: same, D: same}) == []


def test_a_copy_of_production_is_its_database_too() -> None:
    found = found_in({P: PRODUCTION, S: PRODUCTION})
    assert {finding.rule_id for finding in found} == {"drift/shared-database", "drift/other-environment"}
    line = line_of(PRODUCTION, "  host")
    assert ("drift/shared-database", P, line, "database.host") in told(found)
    assert ("drift/other-environment", S, line, "database.host") in told(found)


@pytest.mark.parametrize(
    ("old", "new", "rule", "starts", "path"),
    [
        ("  timeout_seconds: 20\n", "", "missing-key", "database:", "database.timeout_seconds"),
        ("tls:\n  enabled: true\n", "", "missing-key", "app:", "tls"),
        (
            "  timeout_seconds: 20",
            "  timeout_seconds: 20000",
            "magnitude",
            "  timeout_seconds",
            "database.timeout_seconds",
        ),
        ("  workers: 16", "  workers: 1600", "magnitude", "  workers", "app.workers"),
        ("  workers: 16", '  workers: "sixteen"', "type", "  workers", "app.workers"),
        ("  port: 5433", '  port: "5433"', "type", "  port", "database.port"),
        ("  sandbox: false", '  sandbox: "false"', "type", "  sandbox", "payments.sandbox"),
        ("  allowed_origins: [", "  allowed_origins: &o {a: [", "type", "  allowed_origins", "cors.allowed_origins"),
        ("  debug: false", "  debug: true", "weaker-security", "  debug", "app.debug"),
        ("  enabled: true", "  enabled: false", "weaker-security", "  enabled", "tls.enabled"),
        ("  level: warn", "  level: DEBUG", "weaker-security", "  level", "logging.level"),
        ("[https://shop.example.com, ", '["*", ', "weaker-security", "  allowed_origins", "cors.allowed_origins"),
        ("https://shop.example.com\n", "http://shop.example.com\n", "weaker-security", "  base_url", "app.base_url"),
    ],
)
def test_what_is_odd_in_production(old: str, new: str, rule: str, starts: str, path: str) -> None:
    text = PRODUCTION.replace(old, new, 1)
    if new.endswith("{a: ["):
        text = text.replace("www.shop.example.com]", "www.shop.example.com]}")
    assert text != PRODUCTION
    found = found_in({P: text, S: STAGING})
    assert told(found) == [(f"drift/{rule}", P, line_of(text, starts), path)]
    assert found[0].tags == ("drift",)
    assert found[0].suggestion
    assert (
        f"{S}:{line_of(STAGING, starts if rule != 'missing-key' else path.rpartition('.')[2].join(('  ' if '.' in path else '', ':')))}"
        in found[0].message
    )


def test_severities_tell_how_sure_it_is() -> None:
    less = PRODUCTION.replace("  timeout_seconds: 20\n", "")
    assert [f.severity for f in found_in({P: less, S: STAGING})] == [Severity.MEDIUM]
    assert [f.severity for f in found_in({P: less, S: STAGING, D: DEVELOPMENT})] == [Severity.HIGH]
    unsafe = PRODUCTION.replace("debug: false", "debug: true")
    assert [f.severity for f in found_in({P: unsafe, S: STAGING})] == [Severity.HIGH]


@pytest.mark.parametrize(
    ("production", "staging", "rule"),
    [
        ("timeout: 30000", "timeout: 30s", "type"),
        ("timeout: 30ms", "timeout: 30s", "magnitude"),
        ("timeout: 30", "timeout: 30000", "magnitude"),
        ("max_upload: 1GB", "max_upload: 10KB", "magnitude"),
        ("sslmode: disable", "sslmode: verify-full", "weaker-security"),
        ("verify: false", "verify: true", "weaker-security"),
        ("insecure_skip_verify: true", "insecure_skip_verify: false", "weaker-security"),
        ("url: postgres://db/x?sslmode=disable", "url: postgres://db/x?sslmode=require", "weaker-security"),
        ("items: [a]", "items: [{a: 1}]", "type"),
    ],
)
def test_pairs_that_do_not_go_together(production: str, staging: str, rule: str) -> None:
    same = "a: 1\nb: 2\n"
    found = found_in({P: same + production + "\n", S: same + staging + "\n"})
    assert told(found) == [(f"drift/{rule}", P, 3, production.partition(":")[0])]


@pytest.mark.parametrize(
    ("production", "staging"),
    [
        ("timeout: 60s", "timeout: 1m"),
        ("timeout: 30", "timeout: 60"),
        ("replicas: 50", "replicas: 1"),
        ("sample_rate: 0.001", "sample_rate: 1.0"),
        ("account_id: 123456789012", "account_id: 42"),
        ("version: 1.10", 'version: "1.10.2"'),
        ("password: 1234567", "password: abcdef"),
        ("port: 80", "port: 8443"),
        ("limit: 0", "limit: 1000"),
        ("max: -1", "max: 1000"),
        ("size: ${SIZE}", "size: 10"),
        ("size:", "size: 10"),
        ("items: []", "items: [{a: 1}]"),
        ("items: [a, b, c]", "items: [a]"),
        ("debug: false", "debug: true"),
        ("log_level: warn", "log_level: debug"),
        ("log_level: debug", "log_level: debug"),
        ("tls: true", "tls: false"),
        ("disable_tls: false", "disable_tls: true"),
        ("url: http://api.prod.svc", "url: https://api.example.com"),
        ("auth_timeout: 0", "auth_timeout: 1"),
        ("color: blue", "color: green"),
        ("memory: 8Gi", "memory: 256Mi"),
        ("cpu: 2", "cpu: 500m"),
    ],
)
def test_pairs_that_are_fine(production: str, staging: str) -> None:
    same = "a: 1\nb: 2\n"
    assert found_in({P: same + production + "\n", S: same + staging + "\n"}) == []


def test_the_odd_one_is_told_even_when_it_is_not_production() -> None:
    odd = STAGING.replace("port: 5432", 'port: "5432"')
    expected = [("drift/type", S, line_of(odd, "  port"), "database.port")]
    assert told(found_in({P: PRODUCTION, S: odd, D: DEVELOPMENT})) == expected
    lacks = STAGING.replace("  timeout_seconds: 30\n", "")
    found = found_in({P: PRODUCTION, S: lacks, D: DEVELOPMENT})
    assert told(found) == [("drift/missing-key", S, line_of(lacks, "database:"), "database.timeout_seconds")]
    assert found[0].severity is Severity.LOW


def test_of_two_files_that_agree_almost_entirely_staging_may_be_the_odd_one() -> None:
    lacks = PRODUCTION.replace("  pool_size: 80\n", "").replace(".prod.", ".staging.")
    found = found_in({P: PRODUCTION, S: lacks})
    assert told(found) == [("drift/missing-key", S, line_of(lacks, "database:"), "database.pool_size")]


def test_a_missing_section_is_told_once() -> None:
    less = PRODUCTION[: PRODUCTION.index("database:")] + PRODUCTION[PRODUCTION.index("cache:") :]
    assert told(found_in({P: less, S: STAGING})) == [("drift/missing-key", P, 1, "database")]


def test_names_of_things_and_other_spellings_are_not_missing() -> None:
    staging = STAGING + "features:\n  beta: true\n  old: true\nstaging_banner: true\n"
    production = PRODUCTION + "features:\n  beta: true\n"
    assert found_in({P: production, S: staging}) == []
    secret = PRODUCTION.replace("  password: ${DB_PASSWORD}", "  password_file: /run/secrets/db")
    assert found_in({P: secret, S: STAGING}) == []


def test_secrets_are_never_shown() -> None:
    found = found_in({P: "a: 1\nb: 1\npassword: {x: 1}\n", S: "a: 1\nb: 1\npassword: hunter2hunter2\n"})
    assert [finding.rule_id for finding in found] == ["drift/type"]
    assert "hunter2hunter2" not in found[0].message


def test_json_is_compared_too() -> None:
    staging = '{\n  "server": {\n    "port": 1,\n    "debug": false,\n    "timeout": 5\n  }\n}\n'
    production = '{\n  "server": {\n    "port": 1,\n    "debug": true\n  }\n}\n'
    found = found_in({"env/prod.json": production, "env/staging.json": staging})
    assert told(found) == [
        ("drift/missing-key", "env/prod.json", 2, "server.timeout"),
        ("drift/weaker-security", "env/prod.json", 4, "server.debug"),
    ]
