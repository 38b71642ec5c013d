"""Checks over files that are given as texts, and three environments that differ as real ones do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from automation_scripts.results import Finding
from automation_scripts.validation.environments.check import check_environments
from automation_scripts.validation.parsing.files import parse_text

Check = Callable[[dict[str, str]], list[Finding]]
Told = tuple[str, str | None, int | None, str | None]

DEVELOPMENT = """\
app:
  name: shop-dev
  base_url: http://localhost:3000
  debug: true
  workers: 1
  hot_reload: true
database:
  host: localhost
  port: 5432
  name: shop_dev
  password: dev
  pool_size: 2
  timeout_seconds: 30
cache:
  url: redis://localhost:6379/0
  ttl_seconds: 5
tls:
  enabled: false
logging:
  level: debug
cors:
  allowed_origins: ["*"]
payments:
  api_key: sk_test_x
  sandbox: true
"""
STAGING = """\
app:
  name: shop-staging
  base_url: https://staging.shop.example.com
  debug: false
  workers: 2
database:
  host: db.staging.internal
  port: 5432
  name: shop_staging
  password: ${DB_PASSWORD}
  pool_size: 10
  timeout_seconds: 30
cache:
  url: redis://cache.staging.internal:6379/0
  ttl_seconds: 300
tls:
  enabled: true
logging:
  level: info
cors:
  allowed_origins: [https://staging.shop.example.com]
payments:
  api_key: ${PAYMENTS_KEY}
  sandbox: true
"""
PRODUCTION = """\
app:
  name: shop
  base_url: https://shop.example.com
  debug: false
  workers: 16
database:
  host: db.prod.internal
  port: 5433
  name: shop
  password: ${DB_PASSWORD}
  pool_size: 80
  timeout_seconds: 20
  replicas: [db1.prod.internal, db2.prod.internal]
cache:
  url: rediss://cache.prod.internal:6380/0
  ttl_seconds: 3600
tls:
  enabled: true
logging:
  level: warn
cors:
  allowed_origins: [https://shop.example.com, https://www.shop.example.com]
payments:
  api_key: ${PAYMENTS_KEY}
  sandbox: false
sentry:
  dsn: ${SENTRY_DSN}
  sample_rate: 0.01
"""


@pytest.fixture
def check() -> Check:
    """Names and texts to findings."""
    return found_in


def found_in(files: dict[str, str]) -> list[Finding]:
    """The findings for files that need not exist."""
    return check_environments([parse_text(Path("/srv") / name, name, text) for name, text in files.items()])


def told(findings: list[Finding]) -> list[Told]:
    """What counts of findings: rule, file, line and key path."""
    return [(finding.rule_id, finding.file, finding.line, finding.resource) for finding in findings]


def line_of(text: str, start: str) -> int:
    """The 1-based line that begins with a text."""
    return next(number for number, line in enumerate(text.splitlines(), 1) if line.startswith(start))
