"""Names, ports, files and variables of compose projects."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from automation_scripts.results import Severity
from automation_scripts.validation.parsing.files import parse_file
from automation_scripts.validation.references.check import check_references

from .marked import assert_marked, parsed

BAD = """\
services:
  web:
    image: web:1
    depends_on:
      - db
      - cahce                          # expect: dangling-ref
    networks: [front, bakc]            # expect: dangling-ref
    secrets: [token, {source: toekn, target: t}]   # expect: dangling-ref
    configs: [missing]                 # expect: dangling-ref
    volumes:
      - data:/data
      - dta:/other                     # expect: dangling-ref
      - ./local:/local
      - ${DATA_DIR}:/x
      - {type: volume, source: gone, target: /y}   # expect: dangling-ref
    network_mode: service:sidecra      # expect: dangling-ref, conflict
    ports: ["8080:80", "127.0.0.1:9000:9000"]   # expect: conflict
    environment:
      - A=1
      - B=2
      - A=3                            # expect: dup-env
  db:
    image: db:1
    container_name: one
    links: ["cache:c", "nobody:n"]     # expect: dangling-ref
  cache:
    image: cache:1
    container_name: one                # expect: dup-name
    extends: {service: base}           # expect: dangling-ref
    ports:
      - "8080:6379"                    # expect: port-collision
      - "9000:9000"                    # expect: port-collision
      - "8080:80/udp"
  sidecar:
    image: s:1
    networks: {default: {}, front: {aliases: [s]}}
  a:
    image: a:1
    depends_on: {b: {condition: service_healthy}}
  b:
    image: b:1
    depends_on: [a]                    # expect: cycle
networks:
  front: {}
  back: {}
volumes:
  data: {}
  old: {}
secrets:
  token: {environment: TOKEN}
"""

GOOD = """\
name: shop
x-common: &common
  restart: unless-stopped
  networks: [inner]
services:
  web:
    <<: *common
    image: web:1
    depends_on: {db: {condition: service_healthy}, migrate: {condition: service_completed_successfully}}
    ports: ["8000-8005:80", "9000:9000"]
    profiles: [web]
    environment: {A: "1", B: "2"}
  admin:
    <<: *common
    image: admin:1
    ports: ["9000:9000"]
    profiles: [admin]
  migrate:
    image: web:1
    restart: on-failure
    network_mode: "service:db"
    volumes_from: ["db:ro", "container:outside"]
  db:
    <<: *common
    image: db:1
    volumes: ["data:/data", "/var/anonymous", "${DATA:-data}:/x"]
    secrets: [password]
networks: {inner: {}, default: {driver: bridge}}
volumes: {data: {external: true}}
secrets: {password: {environment: PASSWORD}}
"""


def test_names_and_ports() -> None:
    assert_marked(check_references, BAD, "compose.yaml")


def test_a_sound_project_is_silent() -> None:
    assert check_references([parsed(GOOD, "compose.yaml")]) == []


def test_a_near_name_is_offered_as_a_fix() -> None:
    found = {f.line: f for f in check_references([parsed(BAD, "compose.yaml")])}
    assert found[6].suggestion == "Did you mean 'cache'?"
    assert [(e.start_line, e.start_column, e.end_column, e.text) for e in found[6].fix] == [(6, 9, 14, "cache")]
    # The volume's name is only a part of its scalar: the place is exact, and no edit is offered.
    assert (found[12].column, found[12].end_column, found[12].fix) == (9, 12, ())


def test_an_override_uses_what_its_base_defines() -> None:
    base = "services: {db: {image: 'db:1', ports: ['5000:1']}}\nvolumes: {data: {}}\n"
    override = "services: {web: {image: 'w:1', depends_on: [db], volumes: ['data:/d'], ports: ['5000:2']}}\n"
    both = [parsed(base, "compose.yaml"), parsed(override, "compose.override.yaml")]
    (finding,) = check_references(both)
    assert (finding.tags, finding.file) == (("port-collision",), "compose.override.yaml")
    assert "compose.yaml:1" in finding.message
    # Two files that are alternatives may use the same port.
    other = [parsed(base, "compose.yaml"), parsed(override, "compose.dev.yaml")]
    assert check_references(other) == []


def test_an_override_without_its_base_cannot_be_judged() -> None:
    text = "services: {web: {environment: {A: '1'}, depends_on: [db]}}\n"
    (finding,) = check_references([parsed(text, "docker-compose.prod.yml")])
    assert finding.severity is Severity.INFO


def test_an_included_file_may_define_the_rest() -> None:
    text = "include: [other.yaml]\nservices: {web: {image: 'w:1', depends_on: [elsewhere, wbe2, cahce]}, cache: {image: c}}\n"
    found = [f for f in check_references([parsed(text, "compose.yaml")]) if "depends on" in f.message]
    assert [f.suggestion for f in found] == ["Did you mean 'cache'?"]


# ----- files -----------------------------------------------------------------------------------------------------


def _tree(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


FILES = """\
services:
  web:
    build: {context: ./web, dockerfile: Dockerfile.prod}
    env_file: [web.env, {path: maybe.env, required: false}, .env]
    extends: {file: common.yaml, service: base}
    volumes: ["./nginx.conf:/etc/nginx/nginx.conf:ro", "./data:/data"]
configs: {app: {file: ./app.toml}}
include: [https://example.com/x.yaml]
"""
COMPLETE = {
    "web/Dockerfile.prod": "FROM x\n",
    "web.env": "A=1\n",
    ".env": "B=1\n",
    "common.yaml": "services: {base: {image: 'x:1'}}\n",
    "nginx.conf": "x\n",
    "app.toml": "x\n",
}


def _missing(folder: Path) -> list[tuple[str, Severity]]:
    file = parse_file(folder / "compose.yaml", "compose.yaml")
    found = [f for f in check_references([file]) if f.rule_id == "reference/missing-file"]
    return [(f.message, f.severity) for f in found]


def test_files_that_are_there_are_not_missed(tmp_path: Path) -> None:
    _tree(tmp_path, {**COMPLETE, "compose.yaml": FILES})
    assert _missing(tmp_path) == []


@pytest.mark.parametrize(
    ("gone", "severity"),
    [
        ("web/Dockerfile.prod", Severity.HIGH),
        ("common.yaml", Severity.HIGH),
        ("nginx.conf", Severity.MEDIUM),
        ("app.toml", Severity.HIGH),
        (".env", Severity.LOW),
    ],
)
def test_each_missing_file_is_found(tmp_path: Path, gone: str, severity: Severity) -> None:
    _tree(tmp_path, {**COMPLETE, "web/other": "", "compose.yaml": FILES})
    (tmp_path / gone).unlink()
    (found,) = _missing(tmp_path)
    assert gone.rpartition("/")[2] in found[0] and found[1] is severity


def test_a_build_needs_a_dockerfile(tmp_path: Path) -> None:
    _tree(
        tmp_path,
        {
            "compose.yaml": "services: {a: {build: app}, b: {build: {context: app, dockerfile_inline: FROM x}}}\n",
            "app/x": "",
        },
    )
    assert [severity for _, severity in _missing(tmp_path)] == [Severity.HIGH]
    (tmp_path / "app" / "Dockerfile").write_text("FROM x\n")
    assert _missing(tmp_path) == []


def test_a_lone_file_may_be_a_part_of_a_larger_tree(tmp_path: Path) -> None:
    _tree(tmp_path, {"compose.yaml": FILES})
    assert {severity for _, severity in _missing(tmp_path)} == {Severity.INFO}


# ----- variables -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Named:
    name: str
    path: Path


def test_variables_without_a_value_or_a_default(tmp_path: Path) -> None:
    text = """\
services:
  web:
    image: web:${VERSION}
    environment:
      A: ${UNSET}
      B: ${ALSO_UNSET:-default} ${X:?must be set} ${Y+z}
      C: $${ESCAPED} $$ALSO
      D: ${HOME}/x
      E: $BARE
      F: ${VERSOIN}
"""
    _tree(tmp_path, {"compose.yaml": text, ".env": "VERSION=1\nVERSION=2\n# OFF=1\nexport OTHER=x\n"})
    env = [_Named(".env", tmp_path / ".env")]
    found = check_references([parse_file(tmp_path / "compose.yaml", "compose.yaml")], env)
    unset = {f.line: f for f in found if f.tags == ("dangling-ref",)}
    assert sorted(unset) == [5, 9, 10]
    assert unset[10].suggestion == "Did you mean VERSION?"
    assert (unset[5].column, unset[5].end_column) == (10, 18)
    (repeated,) = [f for f in found if f.tags == ("dup-env",)]
    assert (repeated.file, repeated.line, repeated.column) == (".env", 2, 1)


def test_without_an_env_file_nothing_is_known_of_variables(tmp_path: Path) -> None:
    _tree(tmp_path, {"compose.yaml": "services: {web: {image: 'web:${VERSION}'}}\n"})
    assert check_references([parse_file(tmp_path / "compose.yaml", "compose.yaml")]) == []
