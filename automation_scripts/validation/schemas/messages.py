"""Problems as findings: at the exact node, in words that say what was found, what is allowed, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from automation_scripts.results import Finding, Severity, TextEdit
from automation_scripts.suggest import nearest
from automation_scripts.validation.documents.pointing import finding_at, head, path_text
from automation_scripts.validation.documents.tree import Kind, Node
from automation_scripts.validation.input.spans import Span
from automation_scripts.validation.schemas.compiled import CompiledSchema
from automation_scripts.validation.schemas.constraints import describe, exclusive_keys, is_rival, repeated_item
from automation_scripts.validation.schemas.keys import NearMiss, is_very_close, known_keys
from automation_scripts.validation.schemas.mends import renamed, retyped
from automation_scripts.validation.schemas.problems import Problem, most_telling
from automation_scripts.validation.schemas.subject import Path, Spot, Subject
from automation_scripts.validation.schemas.wording import capital, listed, shown_value, types_text, value_text


class Reporter:
    """Writes the findings of one subject against one schema. Severities are those of `standard`."""

    def __init__(self, compiled: CompiledSchema, subject: Subject, reference: str | None = None) -> None:
        self.compiled = compiled
        self.subject = subject
        self.references = (reference,) if reference else ()
        self.mistyped: set[tuple[Path, str]] = set()
        """(path of a map, key it should have had) for each typing error found, so that it is not also "missing"."""

    def report(self, problems: Iterable[Problem]) -> list[Finding]:
        """The findings, consequences of a typing error left out."""
        settled = self._last_of_rivals(most_telling(problems))
        found: list[Finding] = []
        for problem in settled:
            if problem.keyword in ("additionalProperties", "unevaluatedProperties"):
                found.extend(self._unknown_keys(problem))
        for problem in settled:
            if problem.keyword in ("additionalProperties", "unevaluatedProperties"):
                continue
            if (spot := self.subject.spot(problem.path)) is not None and (one := self._one(problem, spot)):
                found.append(one)
        return found

    def _last_of_rivals(self, problems: list[Problem]) -> list[Problem]:
        """One problem for keys of a map that forbid each other: the key that comes last is told."""
        last: dict[Path, int] = {}
        places = [self.subject.spot(problem.path) if is_rival(problem) else None for problem in problems]
        for problem, spot in zip(problems, places, strict=True):
            if spot is not None and spot.key is not None:
                last[problem.path[:-1]] = max(last.get(problem.path[:-1], 0), spot.key.span.start)
        return [
            problem
            for problem, spot in zip(problems, places, strict=True)
            if spot is None or spot.key is None or spot.key.span.start == last[problem.path[:-1]]
        ]

    def near_miss(self, miss: NearMiss) -> Finding:
        """A key that is allowed, but almost certainly a typing error."""
        self.mistyped.add((miss.path[:-1], miss.suggestion))
        return self._finding(
            "schema/unknown-key",
            "unknown-key",
            miss.key,
            f"{self._of(miss.path[:-1])} has the key `{miss.key.value}`, which {self.compiled.title} does not name; "
            f"it does name `{miss.suggestion}`.",
            miss.path,
            suggestion=f"Write `{miss.suggestion}` if that was meant.",
            fix=renamed(self.subject.file, miss.key, miss.suggestion),
        )

    def deprecated(self, path: Path, key: Node) -> Finding:
        """A key that still works and should no longer be written."""
        found = self._finding(
            "schema/deprecated-key",
            "deprecated-api",
            key,
            f"`{key.value}` of {self._of(path[:-1])} is deprecated in {self.compiled.title}.",
            path,
            suggestion="Use what the documentation of the format names in its place.",
        )
        return replace(found, severity=Severity.LOW)

    # Keys --------------------------------------------------------------------------------------------------

    def _unknown_keys(self, problem: Problem) -> Iterator[Finding]:
        spot = self.subject.spot(problem.path)
        if spot is None:
            return
        node = spot.node.resolved()
        parent = self.compiled.place(problem.location.rsplit("/", 1)[0])
        known = known_keys(self.compiled, [parent] if parent else [])
        free = [name for name in known.named if node.entry(name) is None]
        for name in problem.detail.get("unexpected", ()):
            pair = node.entry(name)
            if pair is None or self.subject.is_free_key(pair[0]) or self.subject.is_unset(node, name):
                continue
            suggestion = nearest(name, free)
            if suggestion:
                self.mistyped.add((problem.path, suggestion))
                advice = f"Did you mean `{suggestion}`?"
            elif elsewhere := self._where_known(known.named, name):
                advice = f"It belongs under `{elsewhere}`."
            elif free:
                advice = f"Known here: {listed(sorted(free))}."
            else:
                advice = "Remove it."
            yield self._finding(
                "schema/unknown-key",
                "unknown-key",
                pair[0],
                f"`{name}` is not a key of {self._of(problem.path)} in {self.compiled.title}.",
                (*problem.path, name),
                suggestion=advice,
                fix=renamed(self.subject.file, pair[0], suggestion) if suggestion else (),
            )

    def _where_known(self, named: dict[str, list[Any]], key: str) -> str | None:
        """The one sibling below which the key is known: a wrong indentation is a common cause."""
        homes = [name for name, places in named.items() if key in known_keys(self.compiled, places).named]
        return homes[0] if len(homes) == 1 else None

    # Values ------------------------------------------------------------------------------------------------

    def _one(self, problem: Problem, spot: Spot) -> Finding | None:
        if problem.keyword in ("required", "dependentRequired", "dependencies"):
            return self._missing(problem, spot)
        if problem.keyword == "type":
            return self._wrong_type(problem, spot)
        if problem.keyword in ("enum", "const"):
            return self._not_a_choice(problem, spot)
        if problem.keyword == "falseSchema":
            return self._forbidden(problem, spot)
        return self._invalid(problem, spot)

    def _missing(self, problem: Problem, spot: Spot) -> Finding | None:
        names = problem.detail.get("properties") or [problem.detail.get("property", "")]
        if any((problem.path, name) in self.mistyped for name in names):
            return None
        if (miss := self._misspelled(problem, spot, names)) is not None:
            return self.near_miss(miss)
        if needing := self._keys_that_need(problem, spot, names[0]):
            message = f"{self._of(problem.path)} has {needing}, which needs `{names[0]}` beside it."
            advice = f"Add `{names[0]}`, or remove {needing}."
        elif len(names) > 1:
            wanted = ", ".join(f"`{name}`" for name in names)
            message = f"{self._of(problem.path)} has none of {wanted}, and {self.compiled.title} requires one of them."
            advice = "Add one of them."
        else:
            message = f"{self._of(problem.path)} lacks `{names[0]}`, which {self.compiled.title} requires."
            advice = f"Add `{names[0]}`{self._kind_of(problem, names[0])}."
        span = _key_or_first_line(spot)
        return self._at(
            span, "schema/missing-required", "missing-required", capital(message), problem.path, suggestion=advice
        )

    def _misspelled(self, problem: Problem, spot: Spot, names: list[str]) -> NearMiss | None:
        """A key that no part of the schema knows, and that is almost the missing one."""
        parent = self.compiled.place(problem.location.rsplit("/", 1)[0])
        known = known_keys(self.compiled, [parent] if parent else [])
        for key, _ in spot.node.resolved().entries:
            meant = None if known.knows(key.value) or self.subject.is_free_key(key) else nearest(key.value, names)
            if meant is not None and is_very_close(key.value, meant):
                return NearMiss((*problem.path, key.value), key, meant)
        return None

    def _keys_that_need(self, problem: Problem, spot: Spot, name: str) -> str:
        """The keys there that the missing one must accompany, when only they make it required."""
        location = problem.location.rstrip("0123456789").rstrip("/")
        if not location.endswith(("/dependencies", "/dependentRequired")):
            return ""
        rules = self.compiled.place(location)
        rules_map = rules.schema if rules and isinstance(rules.schema, dict) else {}
        node = spot.node.resolved()
        keys = [
            key for key, needed in rules_map.items() if isinstance(needed, list) and name in needed and node.entry(key)
        ]
        return " and ".join(f"`{key}`" for key in keys)

    def _kind_of(self, problem: Problem, name: str) -> str:
        """`, which is a map` for a missing key, where the schema says so."""
        parent = self.compiled.place(problem.location.rsplit("/", 1)[0])
        for place in known_keys(self.compiled, [parent] if parent else []).named.get(name, ()):
            schema = self.compiled.resolve(place).schema
            if isinstance(schema, dict) and schema.get("type"):
                return f" ({types_text(schema['type'])})"
        return ""

    def _wrong_type(self, problem: Problem, spot: Spot) -> Finding:
        node = spot.node.resolved()
        types = [t for t in problem.detail.get("types", ()) if t != "null"] or ["null"]
        shown, advice = shown_value(node, self._key(problem.path)), f"Make it {types_text(types)}."
        fix: tuple[TextEdit, ...] = ()
        if node.kind is Kind.SCALAR and spot.node.kind is Kind.SCALAR:
            fix, advice = retyped(self.subject.file, node, types, advice)
        elif types == ["array"]:
            advice = "Write it as a list: put `- ` before each item."
        message = f"{self._named(problem.path)} must be {types_text(types)}, but it is {shown}."
        return self._at(
            _value_or_key(spot), "schema/wrong-type", "wrong-type", message, problem.path, suggestion=advice, fix=fix
        )

    def _not_a_choice(self, problem: Problem, spot: Spot) -> Finding:
        options = problem.detail.get("options", [problem.detail.get("expected_value")])
        if is_rival(problem):
            return self._forbidden(problem, spot)
        # Empty means "not set" where it is allowed; no one needs to be told to write that.
        options = [option for option in options if option not in (None, "")] or options
        node = spot.node.resolved()
        texts = [option for option in options if isinstance(option, str)]
        suggestion = nearest(node.value, texts) if node.kind is Kind.SCALAR else None
        if len(options) == 1:
            message = f"{self._named(problem.path)} must be {value_text(options[0])}, but it is {shown_value(node, self._key(problem.path))}."
        else:
            words = list(dict.fromkeys(value_text(option, bare=True) for option in options))
            allowed = listed(words, suggestion)
            message = f"{self._named(problem.path)} is {shown_value(node, self._key(problem.path))}, which is not allowed. Allowed: {allowed}."
        fix: tuple[TextEdit, ...] = ()
        advice = f"Did you mean `{suggestion}`?" if suggestion else "Use one of the allowed values."
        if suggestion and spot.node.kind is Kind.SCALAR:
            fix = renamed(self.subject.file, node, suggestion)
        return self._at(
            _value_or_key(spot),
            "schema/invalid-enum",
            "invalid-enum",
            message,
            problem.path,
            suggestion=advice,
            fix=fix,
        )

    def _forbidden(self, problem: Problem, spot: Spot) -> Finding:
        span = spot.key.span if spot.key is not None else head(None, spot.node.resolved())
        last = problem.path[-1] if problem.path else "value"
        message = f"`{last}` is not allowed in {self._of(problem.path[:-1])} together with the other keys there."
        if problem.keyword != "falseSchema":
            return self._at(span, "schema/conflict", "conflict", message, problem.path, suggestion="Keep one of them.")
        return self._at(span, "schema/unknown-key", "unknown-key", message, problem.path, suggestion="Remove it.")

    def _invalid(self, problem: Problem, spot: Spot) -> Finding:
        place = self.compiled.place(problem.location.rsplit("/", 1)[0])
        schema, node = place.schema if place else None, spot.node.resolved()
        said, advice = describe(problem, node, schema, self._key(problem.path))
        message = f"{self._named(problem.path)} {said}"
        if rivals := exclusive_keys(problem, node, schema):
            keys = [pair[0] for name in rivals if (pair := node.entry(name)) is not None]
            span = max((key.span for key in keys), key=lambda span: span.start)
            return self._at(span, "schema/conflict", "conflict", message, problem.path, suggestion=advice)
        span = self._span_of(problem, spot, node)
        return self._at(span, "schema/invalid-value", "invalid-value", message, problem.path, suggestion=advice)

    def _span_of(self, problem: Problem, spot: Spot, node: Node) -> Span:
        if problem.keyword == "propertyNames" and (pair := node.entry(str(problem.detail.get("key")))):
            return pair[0].span
        if problem.keyword == "uniqueItems" and (item := repeated_item(node)) is not None:
            return item.span
        if problem.keyword in ("oneOf", "not", "minProperties", "maxProperties"):
            return _key_or_first_line(spot)
        return _value_or_key(spot)

    # Words -------------------------------------------------------------------------------------------------

    def _named(self, path: Path) -> str:
        full = (*self.subject.prefix, *path)
        return f"`{path_text(full)}`" if full else "The document"

    def _key(self, path: Path) -> str:
        """The key that says whether a value may be shown: its own, its list's, or that it is in a Secret."""
        if self.subject.label.startswith("Secret") and path[:1] in (("data",), ("stringData",)):
            return "password"
        return next((step for step in reversed(path) if isinstance(step, str)), "")

    def _of(self, path: Path) -> str:
        full = (*self.subject.prefix, *path)
        return f"`{path_text(full)}`" if full else "the document"

    def _finding(self, rule: str, tag: str, node: Node, message: str, path: Path, **more: Any) -> Finding:
        return self._at(node.span, rule, tag, capital(message), path, **more)

    def _at(self, span: Span, rule: str, tag: str, message: str, path: Path, **more: Any) -> Finding:
        where = path_text((*self.subject.prefix, *path))
        resource = f"{self.subject.label} {where}".strip() if self.subject.label else where
        return finding_at(
            self.subject.file,
            span,
            rule,
            Severity.HIGH,
            message,
            tag,
            path=resource,
            references=self.references,
            **more,
        )


def _value_or_key(spot: Spot) -> Span:
    return head(spot.key, spot.node)


def _key_or_first_line(spot: Spot) -> Span:
    return spot.key.span if spot.key is not None else head(None, spot.node.resolved())
