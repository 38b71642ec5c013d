"""Cycles in a directed graph of names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def cycles(graph: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Every strongly connected component that holds a cycle, each as one path around it (`a, b, c` for a→b→c→a).

    Components come in the order of their first node in `graph`. Edges to unknown names are ignored.
    Source: R. Tarjan, "Depth-first search and linear graph algorithms", SIAM J. Computing 1972; written without
    recursion, so that a chain of any length is fine.
    """
    order = {name: i for i, name in enumerate(graph)}
    found = []
    for component in components(graph):
        start = min(component, key=order.__getitem__)
        if len(component) > 1 or start in graph[start]:
            found.append(_path_around(graph, set(component), start))
    return sorted(found, key=lambda path: order[path[0]])


def components(graph: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """The strongly connected components of `graph`, in reverse topological order."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    open_names: list[str] = []
    is_open: set[str] = set()
    result = []
    for root in graph:
        if root in number:
            continue
        work = [(root, iter(graph[root]))]
        number[root] = low[root] = len(number)
        open_names.append(root)
        is_open.add(root)
        while work:
            name, targets = work[-1]
            for target in targets:
                if target not in graph:
                    continue
                if target not in number:
                    number[target] = low[target] = len(number)
                    open_names.append(target)
                    is_open.add(target)
                    work.append((target, iter(graph[target])))
                    break
                if target in is_open:
                    low[name] = min(low[name], number[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == number[name]:
                    component: list[str] = []
                    while not component or component[-1] != name:
                        component.append(open_names.pop())
                        is_open.discard(component[-1])
                    result.append(component)
    return result


def _path_around(graph: Mapping[str, Sequence[str]], members: set[str], start: str) -> list[str]:
    """A shortest way from `start` back to itself inside its component."""
    came_from: dict[str, str] = {}
    queue = [start]
    for name in queue:
        for target in graph[name]:
            if target == start:
                path = [name]
                while path[-1] != start:
                    path.append(came_from[path[-1]])
                return path[::-1]
            if target in members and target not in came_from:
                came_from[target] = name
                queue.append(target)
    return [start]
