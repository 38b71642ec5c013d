"""What environments must not share, and what they may."""

from __future__ import annotations

import pytest

from tests.validation.environments.conftest import found_in, told

P, S = "config.production.yaml", "config.staging.yaml"
SAME = "a: 1\nb: 2\nc: 3\nd: 4\n"


@pytest.mark.parametrize(
    ("text", "rule", "path"),
    [
        ("password: Tr0ub4dor-9x", "shared-secret", "password"),
        ("api: {token: ghs8Xk2PqLr93vTzWm}", "shared-secret", "api.token"),
        ("database_url: postgres://u@db7.example.com/shop", "shared-database", "database_url"),
        ("jdbc: jdbc:mysql://db7.example.com:3306/shop", "shared-database", "jdbc"),
        ("database: {host: db7.example.com, name: shop}", "shared-database", "database.host"),
    ],
)
def test_what_is_the_same_in_both(text: str, rule: str, path: str) -> None:
    found = found_in({P: SAME + text + "\n", S: SAME + text + "\n"})
    assert told(found) == [(f"drift/{rule}", P, 5, path)]
    assert "Tr0ub4dor" not in found[0].message


@pytest.mark.parametrize(
    ("production", "staging"),
    [
        ("password: Tr0ub4dor-9x", "password: another-One-8"),
        ("password: ${DB_PASSWORD}", "password: ${DB_PASSWORD}"),
        ("password_file: /run/secrets/db", "password_file: /run/secrets/db"),
        ("password: changeme", "password: changeme"),
        ("database_url: postgres://db/shop", "database_url: postgres://db/shop"),
        ("database_url: postgres://localhost/shop", "database_url: postgres://localhost/shop"),
        ("database: {host: db.default.svc, name: a}", "database: {host: db.default.svc, name: a}"),
        ("database: {host: db7.example.com, name: shop}", "database: {host: db7.example.com, name: shop_staging}"),
        ("docs_url: https://docs.example.com", "docs_url: https://docs.example.com"),
        ("url: https://www.web.dev/x", "url: https://www.web.dev/x"),
        ("url: https://api.example.com", "url: https://api.staging.example.com"),
        ("path: /srv/staging/x", "path: /srv/staging/x"),
        ("note: moved from staging.example.com", "note: none"),
    ],
)
def test_what_may_be_so(production: str, staging: str) -> None:
    assert found_in({P: SAME + production + "\n", S: SAME + staging + "\n"}) == []


@pytest.mark.parametrize(
    "text",
    [
        "url: https://api.staging.example.com/v1",
        "url: https://staging-api.example.com",
        "smtp_host: mail.stg.example.com",
        "servers: [https://api.staging.example.com]",
        "broker: amqps://u:p@mq.staging.example.com:5671",
    ],
)
def test_production_that_names_a_host_of_staging(text: str) -> None:
    found = found_in({P: SAME + text + "\n", S: SAME + "other: 1\n"})
    assert [(finding.rule_id, finding.file, finding.line) for finding in found if "other-env" in finding.rule_id] == [
        ("drift/other-environment", P, 5)
    ]


def test_a_list_of_all_environments_is_no_leak() -> None:
    monitor = "".join(f"url{n}: https://s{n}.staging.example.com\n" for n in range(6))
    assert found_in({P: SAME + monitor, S: SAME + monitor}) == []
