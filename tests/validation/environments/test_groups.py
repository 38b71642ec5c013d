"""What is compared with what: names, folders, sections, bases, and the kinds that never are."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.validation.environments.conftest import PRODUCTION, STAGING, found_in, line_of, told

LESS = PRODUCTION.replace("  timeout_seconds: 20\n", "")
LINE = line_of(LESS, "database:")


@pytest.mark.parametrize(
    ("production", "staging"),
    [
        ("config.production.yaml", "config.staging.yaml"),
        ("app-prod.yml", "app-staging.yml"),
        ("app-prod.yml", "app-staging.yaml"),
        ("app_prd.yaml", "app_stg.yaml"),
        ("production/app.yaml", "staging/app.yaml"),
        ("deploy/production/app.yaml", "deploy/stage/app.yaml"),
        ("env/prod.yaml", "env/uat.yaml"),
        ("production/app-production.yaml", "staging/app-staging.yaml"),
        ("test/data/production.yaml", "test/data/staging.yaml"),
        ("production/test.yaml", "staging/test.yaml"),
        ("app-prod-eu.yaml", "app-preprod-eu.yaml"),
        ("app.prod.yaml", "app.pre-prod.yaml"),
        ("PROD.yaml", "QA.yaml"),
    ],
)
def test_names_that_belong_together(production: str, staging: str) -> None:
    found = found_in({production: LESS, staging: STAGING})
    assert told(found) == [("drift/missing-key", production, LINE, "database.timeout_seconds")]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("app-prod.yaml", "web-staging.yaml"),
        ("product.yaml", "stages.yaml"),
        ("app-prod-eu.yaml", "app-staging-us.yaml"),
        ("a/app-prod.yaml", "b/app-staging.yaml"),
        ("app-prod.yaml", "app-production.yaml"),
        (".github/workflows/prod.yaml", ".github/workflows/staging.yaml"),
        ("prod/kustomization.yaml", "staging/kustomization.yaml"),
        ("values-prod.yaml", "values-staging.yaml"),
    ],
)
def test_names_that_do_not(one: str, other: str) -> None:
    assert found_in({one: LESS, other: STAGING}) == []


def test_tests_and_local_files_alone_are_no_environments() -> None:
    assert found_in({"test/app.yaml": 'a: 1\nb: "2"\nc: 3\n', "local/app.yaml": "a: 1\nb: 2\nc: 3\n"}) == []


def test_files_that_share_too_little_are_not_compared() -> None:
    assert found_in({"prod.yaml": "a: 1\nb: 2\n", "staging.yaml": STAGING}) == []


@pytest.mark.parametrize(
    ("production", "staging", "base"),
    [
        ("config.production.yaml", "config.staging.yaml", "config.yaml"),
        ("config.production.yaml", "config.staging.yaml", "config.default.yaml"),
        ("production/app.yaml", "staging/app.yaml", "base/app.yaml"),
        ("production/app.yaml", "staging/app.yaml", "app.yaml"),
        ("config/production.yaml", "config/staging.yaml", "config/default.yaml"),
        ("config/production.yaml", "config/staging.yaml", "config/config.yaml"),
        ("values-prod.yaml", "values-staging.yaml", "values.yaml"),
    ],
)
def test_a_base_provides_what_production_lacks(production: str, staging: str, base: str) -> None:
    files = {production: LESS, staging: STAGING, base: "database:\n  timeout_seconds: 10\n"}
    assert found_in(files) == []
    other = found_in({**files, base: "database:\n  retries: 10\n"})
    assert told(other) == [("drift/missing-key", production, LINE, "database.timeout_seconds")]


def test_overlays_that_share_only_the_base() -> None:
    base = PRODUCTION
    overlays = {"config.production.yaml": "app:\n  workers: 30\n", "config.staging.yaml": "app:\n  debug: true\n"}
    assert found_in({"config.yaml": base, **overlays}) == []


def test_production_that_does_not_override_an_unsafe_default() -> None:
    files = {
        "config.yaml": PRODUCTION.replace("debug: false", "debug: true"),
        "config.production.yaml": "app:\n  workers: 30\n",
        "config.staging.yaml": "app:\n  debug: false\n",
    }
    found = found_in(files)
    assert told(found) == [("drift/weaker-security", "config.production.yaml", 1, "app.debug")]
    assert "config.yaml:4" in found[0].message
    assert "config.staging.yaml:2" in found[0].message


SECTIONS = """\
default: &default
  adapter: postgresql
  pool: 5
development:
  <<: *default
  database: shop_dev
  debug: true
staging:
  <<: *default
  database: shop_staging
  debug: false
  timeout: 5000
production:
  <<: *default
  database: shop
  debug: false
  timeout: 4000
"""


def test_sections_of_one_file() -> None:
    assert found_in({"database.yml": SECTIONS}) == []
    unsafe = SECTIONS.replace("  debug: false\n  timeout: 4000", "  debug: true\n  timeout: 5")
    assert told(found_in({"database.yml": unsafe})) == [
        ("drift/weaker-security", "database.yml", 16, "production.debug"),
        ("drift/magnitude", "database.yml", 17, "production.timeout"),
    ]
    less = SECTIONS.replace("  timeout: 4000\n", "")
    found = found_in({"database.yml": less})
    assert told(found) == [("drift/missing-key", "database.yml", 13, "production.timeout")]
    assert "database.yml:12" in found[0].message


def test_sections_below_another_key() -> None:
    nested = "environments:\n" + "".join(f"  {line}\n" for line in SECTIONS.splitlines())
    less = nested.replace("    timeout: 4000\n", "")
    assert told(found_in({"a.yaml": less})) == [("drift/missing-key", "a.yaml", 14, "environments.production.timeout")]


MANIFEST = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: app
data:
  DEBUG: "false"
  MODE: fast
"""


def test_manifests_and_compose_files_lack_nothing_but_can_be_unsafe() -> None:
    less = MANIFEST.replace("  MODE: fast\n", "")
    assert found_in({"overlays/prod/app.yaml": less, "overlays/staging/app.yaml": MANIFEST}) == []
    unsafe = MANIFEST.replace('"false"', '"true"')
    found = found_in({"overlays/prod/app.yaml": unsafe, "overlays/staging/app.yaml": MANIFEST})
    assert told(found) == [("drift/weaker-security", "overlays/prod/app.yaml", 6, "data.DEBUG")]
    compose = "services:\n  web:\n    image: web\n    environment:\n      MODE: a\n      B: c\n"
    fewer = compose.replace("      B: c\n", "")
    assert found_in({"docker-compose.prod.yml": fewer, "docker-compose.staging.yml": compose}) == []


@pytest.mark.parametrize(
    ("production", "staging"),
    [
        (LESS, STAGING.replace("timeout_seconds: 30", "timeout_seconds: 30  # drift-ignore: only here")),
        (LESS.replace("database:", "database: # drift-ignore"), STAGING),
        ("# drift-ignore-file\n" + LESS, STAGING),
        (LESS, "---\n# made by hand\n# drift-ignore-file: until the move\n" + STAGING),
        (PRODUCTION.replace("debug: false", "debug: true # drift-ignore"), STAGING),
        (
            PRODUCTION.replace("debug: false", "debug: true"),
            STAGING.replace("debug: false", "debug: false # drift-ignore"),
        ),
    ],
)
def test_declared_differences(production: str, staging: str) -> None:
    assert found_in({"prod.yaml": production, "staging.yaml": staging}) == []


def test_a_declaration_counts_only_where_it_stands() -> None:
    text = LESS.replace("debug: false", "debug: false # drift-ignore") + "note: '# none'\n# drift-ignore-file\n"
    assert told(found_in({"prod.yaml": text, "staging.yaml": STAGING})) == [
        ("drift/missing-key", "prod.yaml", LINE, "database.timeout_seconds")
    ]


def test_hostile_files_end_without_a_finding_or_an_error() -> None:
    bomb = "a: &a {x: 1, y: 2}\n" + "".join(
        f"{name}: &{name} {{p: *{before}, q: *{before}, r: *{before}}}\n"
        for before, name in zip("abcdefghijklm", "bcdefghijklmn", strict=True)
    )
    assert found_in({"prod.yaml": bomb, "staging.yaml": bomb}) == []
    loop = "a: &a\n  b: *a\n  c: 1\n"
    assert found_in({"prod.yaml": loop, "staging.yaml": loop}) == []
    empty = {"prod.yaml": "", "staging.yaml": "{}\n", "dev.yaml": "- a\n", "qa.yaml": "a: 1\na: 2\n"}
    assert found_in(empty) == []


NAMES = st.text(st.sampled_from("bcdfghjk"), min_size=4, max_size=7)
LEAVES = st.one_of(st.integers(1, 9), st.booleans(), st.sampled_from(["red", "blue"]), st.lists(st.integers(1, 9)))
CONFIGS = st.dictionaries(NAMES, st.dictionaries(NAMES, LEAVES, min_size=2, max_size=4), min_size=3, max_size=5)


def _written(config: dict[str, dict[str, object]]) -> str:
    lines = []
    for outer, below in config.items():
        lines.append(f"{outer}:")
        lines += [
            f"  {inner}: {str(value).lower() if isinstance(value, bool) else value}" for inner, value in below.items()
        ]
    return "\n".join(lines) + "\n"


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CONFIGS, st.data())
def test_any_key_that_production_lacks_is_found_at_its_parent(
    config: dict[str, dict[str, object]], data: st.DataObject
) -> None:
    whole = _written(config)
    assert found_in({"app.prod.yaml": whole, "app.staging.yaml": whole, "app.dev.yaml": whole}) == []
    outer = data.draw(st.sampled_from(sorted(config)))
    inner = data.draw(st.sampled_from(sorted(config[outer])))
    fewer = {name: {k: v for k, v in below.items() if (name, k) != (outer, inner)} for name, below in config.items()}
    text = _written(fewer)
    found = found_in({"app.prod.yaml": text, "app.staging.yaml": whole})
    assert told(found) == [("drift/missing-key", "app.prod.yaml", line_of(text, f"{outer}:"), f"{outer}.{inner}")]
