"""Cedar expressions in Cedar's JSON form: names are data in it, so none can change the meaning of a policy.

https://docs.cedarpolicy.com/policies/json-format.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

Expression = dict[str, Any]

_COMPARISONS = ("==", "!=", "contains", "containsAny", "containsAll")


def attribute(name: str) -> Expression:
    """`context.name`."""
    return {".": {"left": {"Var": "context"}, "attr": name}}


def at_least(name: str, value: int) -> Expression:
    """`context.name >= value`."""
    return _binary(">=", attribute(name), {"Value": value})


def at_most(name: str, value: int) -> Expression:
    """`context.name <= value`."""
    return _binary("<=", attribute(name), {"Value": value})


def below(name: str, value: int) -> Expression:
    """`context.name < value`."""
    return _binary("<", attribute(name), {"Value": value})


def one_of(name: str, words: Iterable[str]) -> Expression:
    """`["a", "b"].contains(context.name)`."""
    return _binary("contains", _strings(words), attribute(name))


def overlaps(name: str, words: Iterable[str]) -> Expression:
    """`context.name.containsAny(["a", "b"])`."""
    return _binary("containsAny", attribute(name), _strings(words))


def within(variable: str, entity_type: str, entity_id: str) -> Expression:
    """`principal in Role::"operator"`."""
    entity = {"__entity": {"type": entity_type, "id": entity_id}}
    return _binary("in", {"Var": variable}, {"Value": entity})


def negated(expression: Expression) -> Expression:
    """`!expression`."""
    return {"!": {"arg": expression}}


def all_of(*expressions: Expression) -> Expression:
    """`a && b`; at least one is needed."""
    return _joined("&&", expressions)


def any_of(*expressions: Expression) -> Expression:
    """`a || b`; at least one is needed."""
    return _joined("||", expressions)


def conjuncts(expression: Expression) -> Iterator[Expression]:
    """The parts of `a && b && c`."""
    if parts := expression.get("&&"):
        yield from conjuncts(parts["left"])
        yield from conjuncts(parts["right"])
    else:
        yield expression


def attribute_of(node: object) -> str | None:
    """The name when the node is `context.name`."""
    match node:
        case {".": {"left": {"Var": "context"}, "attr": str() as name}}:
            return name
    return None


def attributes_in(node: object) -> set[str]:
    """Every attribute of the context that the expression reads."""
    return {name for inner in walk(node) if (name := attribute_of(inner))}


def compared(node: object) -> Iterator[tuple[str, str]]:
    """(attribute, literal) for each string that the operator of this node compares with an attribute."""
    if not isinstance(node, dict):
        return
    for operator in _COMPARISONS:
        sides = node.get(operator)
        if not isinstance(sides, dict):
            continue
        for one, other in ((sides["left"], sides["right"]), (sides["right"], sides["left"])):
            if name := attribute_of(one):
                literals = other.get("Set", [other]) if isinstance(other, dict) else []
                values = (item.get("Value") for item in literals if isinstance(item, dict))
                yield from ((name, value) for value in values if isinstance(value, str))


def literals_of(name: str, node: object) -> set[str]:
    """The strings that this attribute is compared with."""
    return {literal for inner in walk(node) for attribute, literal in compared(inner) if attribute == name}


def walk(node: object) -> Iterator[object]:
    """The node and everything in it."""
    pending = [node]
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, dict):
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)


def _joined(operator: str, expressions: Sequence[Expression]) -> Expression:
    """As a balanced tree: the engine takes no more than a hundred levels."""
    if len(expressions) == 1:
        return expressions[0]
    half = len(expressions) // 2
    return _binary(operator, _joined(operator, expressions[:half]), _joined(operator, expressions[half:]))


def _binary(operator: str, left: Expression, right: Expression) -> Expression:
    return {operator: {"left": left, "right": right}}


def _strings(words: Iterable[str]) -> Expression:
    return {"Set": [{"Value": word} for word in words]}
