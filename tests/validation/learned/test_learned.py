"""One odd file among many is found at its line; what is different by design is not told."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automation_scripts.results import Severity
from automation_scripts.validation.documents.edits import apply_edits
from tests.validation.learned.fleets import fleet, found_in, places, service, with_odd

ODD = "services/s17/service.yaml"


def test_a_fleet_without_an_odd_one_gives_nothing() -> None:
    assert found_in(fleet(60)) == []


@pytest.mark.parametrize(
    ("old", "new", "rule", "line"),
    [
        ("mode: cluster", "mode: single", "value", 5),
        ("mode: cluster", "mode: Cluster", "value", 5),
        ("debug: false", "debug: true", "value", 6),
        ("debug: false", 'debug: "false"', "type", 6),
        ("port: 8017", 'port: "8017"', "type", 4),
        ("timeout: 22", "timeout: 22000", "magnitude", 9),
        ("memory: 512Mi", "memory: 512M", "unit", 8),
        ("memory: 512Mi", "memory: 512", "unit", 8),
        ("minWorkers: 2", "minWorkers: 90", "order", 10),
        ("  mode: cluster\n", "", "missing-key", 1),
        ("maxWorkers:", "max_workers:", "key-spelling", 11),
        ("timeout:", "timeuot:", "key-spelling", 9),
        ("app: shop-17", "app: shop-18", "equality", 13),
        ("limits:\n", "limits: none\nold_limits:\n", "form", 7),
    ],
)
def test_one_odd_service_of_forty(old: str, new: str, rule: str, line: int) -> None:
    found = found_in(with_odd(old, new))
    assert (f"outlier/{rule}", ODD, line) in places(found)
    assert len(found) == 1
    assert found[0].tags == ("outlier",)
    assert found[0].severity in (Severity.LOW, Severity.MEDIUM)
    assert found[0].suggestion


def test_the_evidence_stands_in_the_message() -> None:
    message = found_in(with_odd("mode: cluster", "mode: single"))[0].message
    assert message.startswith("39 of 40 files named service.yaml set 'service.mode' to cluster; this one says single.")
    assert "Wilson lower bound 0.87" in message
    assert "services/s0/service.yaml:5" in message


@pytest.mark.parametrize(
    ("old", "new"),
    [("port: 8017", 'port: "8017"'), ("maxWorkers:", "max_workers:"), ("timeout:", "timeuot:")],
)
def test_the_fix_makes_it_like_the_others(old: str, new: str) -> None:
    files = with_odd(old, new)
    (finding,) = found_in(files)
    assert apply_edits(files[ODD], finding.fix) == service(17)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("port: 8017", "port: 18017"),
        ("name: shop-17", "name: another"),
        ("image: registry.example.com/shop-17:1.17.0", "image: registry.example.com/shop-17:3.0.0"),
        ("team: team-5", "team: nobody"),
        ("mode: cluster", "mode: single # only one node there"),
        ("  mode: cluster", "  # it has only one node\n  mode: single"),
        ("mode: cluster", "mode: ${MODE}"),
        ("mode: cluster", "mode:"),
        ("timeout: 22", "timeout: 0"),
        ("timeout: 22", "timeout: 45"),
        ("memory: 512Mi", "memory: 2Gi"),
        ("labels:\n", "extra: {a: 1}\nlabels:\n"),
    ],
)
def test_what_is_different_by_design(old: str, new: str) -> None:
    assert found_in(with_odd(old, new)) == []


@pytest.mark.parametrize("count", [5, 20, 33])
def test_too_few_say_nothing(count: int) -> None:
    assert found_in(with_odd("debug: false", 'debug: "false"', odd=3, count=count)) == []


def test_two_habits_side_by_side_are_none() -> None:
    def change(number: int, text: str) -> str:
        return text.replace("cluster", "single") if number % 8 == 0 else text

    assert found_in(fleet(48, change)) == []


def test_a_file_that_differs_in_many_ways_is_something_else() -> None:
    changes = (("mode: cluster", "mode: single"), ("debug: false", "debug: true"), ("  minWorkers: 2\n", ""))

    def change(number: int, text: str) -> str:
        for old, new in changes if number == 17 else ():
            text = text.replace(old, new)
        return text

    assert found_in(fleet(40, change)) == []


@pytest.mark.parametrize(
    "name", ["testdata/s{}/service.yaml", "locales/s{}/service.yaml", "a/fixtures/s{}/service.yaml"]
)
def test_test_data_and_translations_are_no_configuration(name: str) -> None:
    files = {name.format(i): text for i, text in enumerate(with_odd("debug: false", 'debug: "false"').values())}
    assert found_in(files) == []


def test_places_of_which_others_have_spoken_are_left_alone() -> None:
    files = with_odd("debug: false", 'debug: "false"')
    assert found_in(files, told=((ODD, 6),)) == []


def test_secrets_are_never_shown() -> None:
    def change(number: int, text: str) -> str:
        secret = "password: '4711471147'" if number == 17 else f"password: {10**9 + number}"
        return text + f"auth:\n  {secret}\n"

    found = found_in(fleet(40, change))
    assert [finding.rule_id for finding in found] == ["outlier/type"]
    assert "4711471147" not in found[0].message + (found[0].suggestion or "")


def test_services_of_one_compose_file_and_items_of_lists_are_places_too() -> None:
    services = "".join(
        f"  s{i}:\n    image: shop:{i}\n    mem_limit: {'512' if i == 9 else 256 * (1 + i % 3)}{'' if i == 9 else 'm'}\n"
        f"    cpu_shares: {'64' if i != 20 else chr(39) + '64' + chr(39)}\n"
        for i in range(40)
    )
    found = found_in({"compose.yaml": f"services:\n{services}"})
    assert ("outlier/type", "compose.yaml", 2 + 20 * 4 + 3) in places(found)
    listed = "".join(f"- name: n{i}\n  retries: {3 if i != 30 else chr(34) + '3' + chr(34)}\n" for i in range(40))
    assert places(found_in({"jobs.yaml": f"jobs:\n{listed}"})) == [("outlier/type", "jobs.yaml", 63)]


def test_one_value_implies_another() -> None:
    def change(number: int, text: str) -> str:
        kind = "web" if number % 2 else "batch"
        policy = "Always" if number % 2 else "Never"
        if number == 17:
            policy = "Never"
        return text + f"kindly: {kind}\npolicy: {policy}\n"

    found = found_in(fleet(100, change))
    # Which of the two is wrong nobody can tell: one of them is told.
    (place,) = places(found)
    assert place in [("outlier/implication", ODD, 15), ("outlier/implication", ODD, 16)]
    assert "with 'policy' Never set 'kindly' to batch" in found[0].message


def test_images_of_one_registry() -> None:
    def deployment(i: int) -> str:
        host = "docker.io/library" if i == 17 else "registry.example.com/team"
        return (
            f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: d{i}}}\nspec:\n  template:\n    spec:\n"
            f"      containers:\n      - name: main\n        image: {host}/app{i}:1.0.{i}\n"
        )

    found = found_in({f"d{i}.yaml": deployment(i) for i in range(40)})
    assert places(found) == [("outlier/registry", "d17.yaml", 9)]
    plain = {f"d{i}.yaml": deployment(i).replace("registry.example.com/team/", "") for i in range(40)}
    assert found_in(plain) == []


def test_names_in_another_style() -> None:
    def deployment(i: int) -> str:
        name = "shop_worker_17" if i == 17 else f"shop-worker-{i}"
        return f"kind: Queue\napiVersion: example.com/v1\nmetadata:\n  name: {name}\nspec: {{size: {i % 5}}}\n"

    found = found_in({f"q{i}.yaml": deployment(i) for i in range(40)})
    assert places(found) == [("outlier/value-style", "q17.yaml", 4)]
    assert "shop-worker-17" in (found[0].suggestion or "")


def test_no_file_is_told_more_than_three() -> None:
    def change(number: int, text: str) -> str:
        if number != 17:
            return text
        for old, new in (("8017", '"8017"'), ("false", '"false"'), ("22", '"22"'), ("minW", "minw"), ("maxW", "maxw")):
            text = text.replace(old, new)
        return text

    assert len(found_in(fleet(60, change))) == 3


def test_hostile_files_end() -> None:
    bomb = "a: &a {x: 1, y: 2}\n" + "".join(
        f"{name}: &{name} {{<<: [*{before}, *{before}], p: {{<<: *{before}}}, q: *{before}}}\n"
        for before, name in zip("abcdefghijklm", "bcdefghijklmn", strict=True)
    )
    deep = "[" * 500 + "]" * 500
    files = {f"d{i}/x.yaml": bomb if i % 2 else f"a: {deep}\nb: {'{a: ' * 300}{'}' * 300}\n" for i in range(60)}
    assert found_in(files) == []


KEYS = st.lists(st.text("abcdefgh", min_size=5, max_size=8), min_size=3, max_size=6, unique=True)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(KEYS, st.integers(0, 39), st.data())
def test_any_quoted_number_is_found_at_its_line(keys: list[str], odd: int, data: st.DataObject) -> None:
    lines = {i: [f"{key}: {(i * 7 + n) % 9 + 1}" for n, key in enumerate(keys)] for i in range(40)}
    whole = {f"d{i}/x.yaml": "\n".join(found) + "\n" for i, found in lines.items()}
    assert found_in(whole) == []
    at = data.draw(st.integers(0, len(keys) - 1))
    key, _, number = lines[odd][at].partition(": ")
    lines[odd][at] = f"{key}: '{number}'"
    whole[f"d{odd}/x.yaml"] = "\n".join(lines[odd]) + "\n"
    assert places(found_in(whole)) == [("outlier/type", f"d{odd}/x.yaml", at + 1)]
