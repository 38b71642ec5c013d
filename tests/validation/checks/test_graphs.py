"""Cycles: Tarjan's components against brute force."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from automation_scripts.validation.references.graphs import components, cycles

_GRAPHS = st.dictionaries(st.sampled_from("abcdefg"), st.lists(st.sampled_from("abcdefgxyz"), max_size=5), max_size=7)


def _reach(graph: dict[str, list[str]], start: str) -> set[str]:
    """Everything that a walk of one step or more from `start` meets."""
    seen: set[str] = set()
    work = [target for target in graph[start] if target in graph]
    while work:
        name = work.pop()
        if name not in seen:
            seen.add(name)
            work += [target for target in graph[name] if target in graph]
    return seen


@given(_GRAPHS)
def test_a_component_is_what_reaches_each_other(graph: dict[str, list[str]]) -> None:
    found = components(graph)
    assert sorted(name for component in found for name in component) == sorted(graph)
    for component in found:
        for name in component:
            same = {other for other in _reach(graph, name) if name in _reach(graph, other)} | {name}
            assert same == set(component)


@given(_GRAPHS)
def test_every_cycle_is_told_once_as_a_way_around_it(graph: dict[str, list[str]]) -> None:
    on_a_cycle = {name for name in graph if name in _reach(graph, name)}
    ways = cycles(graph)
    told: set[str] = set()
    for way in ways:
        for name, target in zip(way, [*way[1:], way[0]], strict=True):
            assert target in graph[name]
        assert len(set(way)) == len(way)
        component = {other for other in _reach(graph, way[0]) if way[0] in _reach(graph, other)}
        assert not component & told
        told |= component
    assert told == on_a_cycle
    order = list(graph)
    assert [order.index(way[0]) for way in ways] == sorted(order.index(way[0]) for way in ways)


def test_a_long_chain_needs_no_deep_recursion() -> None:
    names = [str(i) for i in range(50_000)]
    chain = {name: [str(int(name) + 1)] for name in names}
    assert cycles(chain) == []
    chain["49999"] = ["0"]
    assert len(cycles(chain)[0]) == 50_000


def test_a_name_that_refers_to_itself() -> None:
    assert cycles({"a": ["a"], "b": ["a"]}) == [["a"]]
