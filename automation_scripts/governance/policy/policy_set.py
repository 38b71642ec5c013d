"""The policies in force, and the decision by them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

from automation_scripts.catalog import SCRIPTS
from automation_scripts.governance.policy import messages
from automation_scripts.governance.policy.advice import advise
from automation_scripts.governance.policy.circumstances import (
    BadRequest,
    Context,
    Rules,
    check,
    context_of,
    effective,
    freezes_now,
)
from automation_scripts.governance.policy.compiled import Compiled, compile_files
from automation_scripts.governance.policy.engine import Answer, Engine, Query, render
from automation_scripts.governance.policy.expressions import attributes_in, literals_of
from automation_scripts.governance.policy.files import fingerprint, read_files
from automation_scripts.governance.policy.model import AccessRequest, Advice, Decision, PolicySource
from automation_scripts.governance.policy.problems import PolicyError
from automation_scripts.governance.policy.vocabulary import LOCAL_ROLE, Action
from automation_scripts.governance.policy.yaml_file import Known
from automation_scripts.settings.problems import Problem

_KEPT = 8
_ATTEMPTS = 5
_Key = tuple[str, tuple[str, ...], tuple[str, ...], bool, tuple[tuple[str, str], ...]]
_loaded: OrderedDict[_Key, PolicySet] = OrderedDict()
_lock = threading.Lock()


class PolicySet:
    """Policies that were read and checked. Nothing in it changes, and threads may share it."""

    def __init__(self, compiled: Compiled, rules: Rules) -> None:
        self.compiled = compiled
        self.rules = rules
        conditions = [policy["conditions"] for policy in compiled.policies.values()]
        self.attributes_used = attributes_in(conditions)
        self.approver_roles = literals_of("approver_roles", conditions) | set(compiled.roles) - {LOCAL_ROLE}
        self.engine = Engine(compiled.policies, compiled.roles, rules.scripts)
        self.digest = compiled.digest(
            {
                "environments": list(rules.environments),
                "protected": sorted(rules.protected),
                "require_mfa": rules.require_mfa,
                "scripts": dict(rules.scripts),
            }
        )

    @classmethod
    def load(
        cls,
        folder: Path | None = None,
        *,
        environments: Sequence[str],
        protected: Collection[str],
        require_mfa: bool = True,
        scripts: Mapping[str, str] | None = None,
    ) -> Self:
        """The policies of a folder; parsed once a process as long as no file changes.

        Args:
            folder: where the files are; None takes the shipped policies. A folder that is there is never passed over.
            environments: every environment there is (`environments` of the settings).
            protected: those that need approval (`automation.require_approval_for`).
            require_mfa: `automation.security.require_mfa`.
            scripts: script name to category; None takes the catalogue.

        Raises PolicyError (a ConfigurationError) with every problem, its file and line.
        """
        known = dict(scripts) if scripts is not None else {s.name: s.category.value for s in SCRIPTS.values()}
        names = tuple(environments)
        for _ in range(_ATTEMPTS):
            files = read_files(folder)
            key = (fingerprint(files), names, tuple(sorted(protected)), require_mfa, tuple(sorted(known.items())))
            with _lock:
                if key in _loaded:
                    _loaded.move_to_end(key)
                    return _loaded[key]  # type: ignore[return-value]
            problem: PolicyError | None = None
            try:
                compiled = compile_files(files, Known(names, known))
            except PolicyError as error:
                problem = error
            if fingerprint(read_files(folder)) != key[0]:
                continue  # a file was being written: what was read may be half of the old and half of the new
            if problem:
                raise problem
            policies = cls(compiled, Rules(names, frozenset(protected), require_mfa, known, compiled))
            with _lock:
                _loaded[key] = policies
                while len(_loaded) > _KEPT:
                    _loaded.popitem(last=False)
            return policies
        raise PolicyError([Problem("the policy files keep changing; try again", source=str(folder))])

    @property
    def roles(self) -> tuple[str, ...]:
        """Every role that the YAML files define."""
        return tuple(self.compiled.roles)

    def text(self) -> str:
        """All policies as Cedar text, each with its id and where it stands."""
        parts = []
        for name, policy in self.compiled.policies.items():
            source = self.compiled.sources[name]
            parts.append(f"// {source.file}:{source.line}\n{render(policy)}")
        return "\n\n".join(parts) + "\n"

    def authorize(self, request: AccessRequest, *, advice: bool = True) -> Decision:
        """The decision, with the policies that made it and, for a refusal, what would have to be different.

        Without `advice` a refusal leaves that out, which is much quicker: it is found by asking many times.
        """
        try:
            check(request, self.rules)
        except BadRequest as error:
            message = messages.refused(request, f"{error}")
            return Decision(False, message, digest=self.digest)
        return self._decide(request, advice=advice)

    def allows(self, request: AccessRequest) -> bool:
        """The bare answer, without reasons or advice."""
        try:
            check(request, self.rules)
        except BadRequest:
            return False
        return self._decide(request, advice=False).allowed

    def evaluate(self, requests: Sequence[AccessRequest]) -> list[Answer]:
        """What the engine says to requests that passed `check`; breaking the glass has to be allowed itself."""
        return self.evaluate_contexts([(request, self.context(request)) for request in requests])

    def context(self, request: AccessRequest) -> Context:
        """The context of a request, in which `break_glass` only stays when the principal may break it."""
        context = context_of(request, self.rules)
        if request.break_glass and request.action is not Action.BREAK_GLASS and request.script is not None:
            asked = replace(request, action=Action.BREAK_GLASS)
            (answer,) = self.evaluate_contexts([(asked, context)])
            context["break_glass"] = answer.allowed
        return context

    def evaluate_contexts(self, asked: Sequence[tuple[AccessRequest, Context]]) -> list[Answer]:
        """The answers to requests in contexts of the caller's making."""
        return self.engine.ask(
            [Query(effective(request.principal), request.action, request.script, context) for request, context in asked]
        )

    def sources_of(self, answer: Answer) -> tuple[PolicySource, ...]:
        """The policies that decided."""
        return tuple(self.compiled.sources[name] for name in answer.policies)

    def _decide(self, request: AccessRequest, *, advice: bool) -> Decision:
        context = self.context(request)
        (answer,) = self.evaluate_contexts([(request, context)])
        reasons = self.sources_of(answer)
        if answer.allowed:
            used = bool(context["break_glass"]) and not self._without_breaking(request, context)
            message = messages.allowed(request, reasons)
            return Decision(True, message, reasons, digest=self.digest, break_glass_used=used)
        if answer.errors:
            why = f"a policy could not be evaluated: {'; '.join(answer.errors)}"
            return Decision(False, messages.refused(request, why), reasons, digest=self.digest)
        freezes = freezes_now(request, self.rules)
        found = advise(self, request, context) if advice else None
        message = messages.denied(request, reasons, freezes, found, self.known_roles(request))
        return Decision(False, message, reasons, found or Advice(), self.digest)

    def _without_breaking(self, request: AccessRequest, context: Context) -> bool:
        (answer,) = self.evaluate_contexts([(request, {**context, "break_glass": False})])
        return answer.allowed

    def known_roles(self, request: AccessRequest) -> tuple[str, ...]:
        """The roles of the principal that count here, by name."""
        return tuple(sorted(effective(request.principal).roles))
