"""Mistakes in GitHub workflows and GitLab pipelines."""

from __future__ import annotations

import random

import yaml

from tests.corpus.mutating.registry import added, changed, mutation, pick
from tests.corpus.mutating.source import Mutant, Pair, Source, child, items, scalar
from tests.corpus.mutating.words import password, token

GITHUB = "github-workflow"
GITLAB = "gitlab-ci"


def jobs(source: Source) -> list[Pair]:
    """The `runs-on` keys of jobs."""
    return source.where(
        lambda p: p.name == "runs-on" and len(p.path) == 4 and source.own_line(p) and source.first_on_line(p)
    )


def steps(source: Source) -> list[Pair]:
    """A key of the last step of each job."""
    found = []
    for pair in source.where(lambda p: p.name == "steps" and len(p.path) == 4):
        if items(pair.value) and not getattr(pair.value, "flow_style", False):
            found.append(pair)
    return found


def _step(source: Source, rng: random.Random, lines: list[str], at: int, cls: str, *also: str) -> Mutant | None:
    """A new last step of a job."""
    pair = pick(steps(source), rng)
    if pair is None:
        return None
    first = items(pair.value)[0]
    indent = " " * (first.start_mark.column - 2)
    last = source.last_line(pair.value)
    new = [indent + ("- " if number == 0 else "  ") + line for number, line in enumerate(lines)]
    return Mutant(source.insert(last, new), last + 1 + at, cls, also=frozenset(also))


@mutation(GITHUB)
def injection(source: Source, rng: random.Random) -> Mutant | None:
    context = rng.choice(["github.event.issue.title", "github.head_ref", "github.event.pull_request.body"])
    return _step(source, rng, ["name: Greet", 'run: echo "${{ ' + context + ' }}"'], 1, "injection")


@mutation(GITHUB)
def injection_in_block(source: Source, rng: random.Random) -> Mutant | None:
    lines = ["name: Greet", "run: |", "  echo hello", '  echo "${{ github.event.comment.body }}"']
    found = _step(source, rng, lines, 3, "injection")
    return found and Mutant(found.text, found.line, found.cls, frozenset({found.line - 2}))


@mutation(GITHUB)
def latest_tag(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(
        source.where(lambda p: p.name == "uses" and source.simple(p) and "@" in p.text and not p.text.startswith("./")),
        rng,
    )
    if pair is None:
        return None
    return changed(source, pair, pair.text.split("@")[0] + "@" + rng.choice(["main", "master"]), "latest-tag")


@mutation(GITHUB)
def wildcard_perm(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick([p for p in jobs(source) if not child(p.parent, "permissions")], rng)
    return added(source, pair, ["permissions: write-all"], 0, "wildcard-perm") if pair else None


@mutation(GITHUB)
def dangling_needs(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick([p for p in jobs(source) if not child(p.parent, "needs")], rng)
    if pair is None:
        return None
    found = added(source, pair, ["needs: not-a-job"], 0, "dangling-ref")
    head = next(p.line for p in source.pairs if p.path == pair.path[:3])
    return Mutant(found.text, found.line, found.cls, frozenset({head}))


@mutation(GITHUB)
def dangling_step(source: Source, rng: random.Random) -> Mutant | None:
    lines = ["name: Show", "run: echo ${{ steps.not_a_step.outputs.value }}"]
    return _step(source, rng, lines, 1, "dangling-ref")


@mutation(GITHUB)
def dangling_output(source: Source, rng: random.Random) -> Mutant | None:
    lines = ["name: Show", "run: echo ${{ needs.not_a_job.outputs.value }}"]
    return _step(source, rng, lines, 1, "dangling-ref")


@mutation(GITHUB)
def cycle(source: Source, rng: random.Random) -> Mutant | None:
    """A job that needs itself, or two that need each other."""
    pair = pick([p for p in jobs(source) if not child(p.parent, "needs")], rng)
    if pair is None:
        return None
    other = next((p for p in jobs(source) if pair.path[2] in _needs(p.parent)), None)
    found = added(source, pair, [f"needs: {(other or pair).path[2]}"], 0, "cycle")
    heads = {p.line for p in source.pairs if p.path[1:] in (pair.path[1:3], (other or pair).path[1:3])}
    needs = {
        key.start_mark.line + 1 + n
        for p in ([other] if other else [])
        for key, _ in p.parent.value
        if key.value == "needs"
        for n in (0, 1, 2)
    }
    return Mutant(found.text, found.line, found.cls, frozenset({*heads, *(h + 1 for h in heads), *needs}))


def _needs(job: yaml.Node) -> set[str]:
    return {scalar(job, "needs"), *(str(item.value) for item in items(child(job, "needs")))}


@mutation(GITHUB)
def dup_name(source: Source, rng: random.Random) -> Mutant | None:
    """Two steps of one job with one id."""
    for pair in steps(source):
        for step in items(pair.value):
            name = scalar(step, "id")
            if name:
                first = items(pair.value)[0]
                indent = " " * (first.start_mark.column - 2)
                last = source.last_line(pair.value)
                new = [f"{indent}- id: {name}", f"{indent}  run: echo again"]
                return Mutant(source.insert(last, new), last + 1, "dup-name")
    return None


@mutation(GITHUB)
def missing_step_action(source: Source, rng: random.Random) -> Mutant | None:
    return _step(source, rng, ["name: Does nothing"], 0, "missing-required")


@mutation(GITHUB)
def event_typo(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(
        source.where(
            lambda p: (
                p.path[1:2] == ("on",)
                and len(p.path) == 3
                and p.name in ("push", "pull_request")
                and source.own_line(p)
            )
        ),
        rng,
    )
    if pair is None:
        return None
    return Mutant(
        source.replace(pair.key, {"push": "psuh"}.get(pair.name, "pull_requets")),
        pair.line,
        "unknown-key",
        also=frozenset({"invalid-enum", "invalid-value"}),
    )


@mutation(GITHUB)
def hardcoded_secret(source: Source, rng: random.Random) -> Mutant | None:
    lines = ["name: Publish", "env:", f"  API_TOKEN: {token(rng)}", "run: ./publish.sh"]
    return _step(source, rng, lines, 2, "hardcoded-secret", "secret-env")


@mutation(GITHUB)
def expression(source: Source, rng: random.Random) -> Mutant | None:
    """An expression that cannot be read."""
    lines = ["name: Show", "run: echo ${{ github.ref == }}"]
    return _step(source, rng, lines, 1, "syntax", "invalid-value")


@mutation(GITHUB)
def conflict(source: Source, rng: random.Random) -> Mutant | None:
    """`run` and `uses` in one step."""
    lines = ["uses: actions/checkout@v4", "run: make"]
    found = _step(source, rng, lines, 1, "conflict", "unknown-key", "invalid-value")
    return found and Mutant(found.text, found.line, found.cls, frozenset({found.line - 1}), found.also)


@mutation(GITHUB)
def deprecated_command(source: Source, rng: random.Random) -> Mutant | None:
    lines = ["name: Tell", 'run: echo "::set-output name=value::1"']
    return _step(source, rng, lines, 1, "deprecated-api")


def scripts(source: Source) -> list[Pair]:
    """The `script` keys of GitLab jobs."""
    return source.where(
        lambda p: (
            p.name == "script" and len(p.path) == 3 and source.first_on_line(p) and not str(p.path[1]).startswith(".")
        )
    )


def _job(
    source: Source, rng: random.Random, keys: str, lines: list[str], at: int, cls: str, *also: str
) -> Mutant | None:
    pair = pick([p for p in scripts(source) if not any(child(p.parent, key) for key in keys.split())], rng)
    return added(source, pair, lines, at, cls, *also) if pair else None


@mutation(GITLAB)
def gitlab_dangling_needs(source: Source, rng: random.Random) -> Mutant | None:
    if child(source.documents[0], "include"):
        return None
    return _job(source, rng, "needs dependencies", ["needs:", "  - not-a-job"], 1, "dangling-ref")


@mutation(GITLAB)
def gitlab_dangling_extends(source: Source, rng: random.Random) -> Mutant | None:
    if child(source.documents[0], "include"):
        return None
    return _job(source, rng, "extends", ["extends: .not-a-template"], 0, "dangling-ref")


@mutation(GITLAB)
def gitlab_stage(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(source.where(lambda p: p.name == "stage" and len(p.path) == 3 and source.simple(p)), rng)
    if pair is None or not child(source.documents[0], "stages"):
        return None
    return changed(source, pair, pair.text + "s", "dangling-ref", "invalid-enum", "invalid-value")


@mutation(GITLAB)
def gitlab_cycle(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick([p for p in scripts(source) if not child(p.parent, "needs")], rng)
    if pair is None or " " in str(pair.path[1]):
        return None
    found = added(source, pair, ["needs:", f"  - {pair.path[1]}"], 1, "cycle")
    head = next(p.line for p in source.pairs if p.path == pair.path[:2])
    return Mutant(found.text, found.line, found.cls, frozenset({found.line - 1, head}))


@mutation(GITLAB)
def gitlab_secret(source: Source, rng: random.Random) -> Mutant | None:
    lines = ["variables:", f"  DEPLOY_PASSWORD: {password(rng)}"]
    return _job(source, rng, "variables", lines, 1, "secret-env", "hardcoded-secret")


@mutation(GITLAB)
def gitlab_unused_template(source: Source, rng: random.Random) -> Mutant | None:
    pair = pick(source.where(lambda p: len(p.path) == 2 and source.first_on_line(p) and p.name == "stages"), rng)
    if pair is None:
        return None
    return added(source, pair, [".nobody-extends-this:", "  script:", "    - make"], 0, "unused")
