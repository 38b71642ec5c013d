"""Which contexts and functions an expression of a GitHub workflow can use where it stands, and what they hold.

Source: "Contexts reference" (table "Context availability") and "Evaluate expressions" of GitHub's documentation.
"""

from __future__ import annotations

from automation_scripts.validation.documents.tree import PathKey

KeyPath = tuple[PathKey, ...]

CONTEXTS = frozenset(
    ["github", "env", "vars", "job", "jobs", "steps", "runner", "secrets", "strategy", "matrix", "needs", "inputs"]
)
_FUNCTIONS = {
    # name: (fewest, most) arguments; None for any number
    "contains": (2, 2),
    "startswith": (2, 2),
    "endswith": (2, 2),
    "format": (1, None),
    "join": (1, 2),
    "tojson": (1, 1),
    "fromjson": (1, 1),
    "hashfiles": (1, None),
    "case": (3, None),
    "success": (0, None),
    "always": (0, 0),
    "cancelled": (0, 0),
    "failure": (0, None),
}
FUNCTIONS: dict[str, tuple[int, int | None]] = dict(_FUNCTIONS)
FUNCTION_NAMES = ["contains", "startsWith", "endsWith", "format", "join", "toJSON", "fromJSON", "hashFiles", "case", "success", "always", "cancelled", "failure"]  # fmt: skip
STATUS_FUNCTIONS = frozenset(("success", "always", "cancelled", "failure"))

PROPERTIES = {
    "github": frozenset(
        [
            "action",
            "action_path",
            "action_ref",
            "action_repository",
            "action_status",
            "actor",
            "actor_id",
            "api_url",
            "artifact_cache_size_limit",
            "base_ref",
            "env",
            "event",
            "event_name",
            "event_path",
            "graphql_url",
            "head_ref",
            "job",
            "job_workflow_sha",
            "output",
            "path",
            "ref",
            "ref_name",
            "ref_protected",
            "ref_type",
            "repository",
            "repository_id",
            "repository_owner",
            "repository_owner_id",
            "repository_visibility",
            "repositoryurl",
            "retention_days",
            "run_attempt",
            "run_id",
            "run_number",
            "secret_source",
            "server_url",
            "sha",
            "state",
            "step_summary",
            "token",
            "triggering_actor",
            "workflow",
            "workflow_ref",
            "workflow_sha",
            "workspace",
        ]
    ),
    "runner": frozenset(["name", "os", "arch", "temp", "tool_cache", "debug", "environment", "workspace"]),
    "job": frozenset(
        [
            "container",
            "services",
            "status",
            "check_run_id",
            "workflow_ref",
            "workflow_sha",
            "workflow_repository",
            "workflow_file_path",
        ]
    ),
    "strategy": frozenset(["fail-fast", "job-index", "job-total", "max-parallel"]),
}
"""What the contexts of a fixed form hold, in lower case."""

STEP_PARTS = frozenset(("outputs", "outcome", "conclusion"))
NEED_PARTS = frozenset(("outputs", "result"))

_BASE = frozenset(["github", "needs", "strategy", "matrix", "vars", "inputs"])
_RUNNING = _BASE | frozenset(["job", "runner", "env", "secrets"])
_IN_STEPS = _RUNNING | {"steps"}
_BEFORE = frozenset(["github", "vars", "inputs"])

_OF_JOB: dict[str, frozenset[str]] = {
    "concurrency": _BASE,
    "continue-on-error": _BASE,
    "environment": _BASE,
    "if": frozenset(["github", "needs", "vars", "inputs"]),
    "name": _BASE,
    "runs-on": _BASE,
    "timeout-minutes": _BASE,
    "with": _BASE,
    "strategy": frozenset(["github", "needs", "vars", "inputs"]),
    "env": _BASE | {"secrets"},
    "secrets": _BASE | {"secrets"},
    "defaults": _BASE | {"env"},
    "outputs": _IN_STEPS,
}
_OF_STEP: dict[str, frozenset[str]] = {
    "if": _IN_STEPS - {"secrets"},
    "continue-on-error": _IN_STEPS,
    "env": _IN_STEPS,
    "name": _IN_STEPS,
    "run": _IN_STEPS,
    "timeout-minutes": _IN_STEPS,
    "with": _IN_STEPS,
    "working-directory": _IN_STEPS,
}


def contexts_at(path: KeyPath) -> frozenset[str] | None:
    """The contexts that can be read at a path of a workflow; None when the documentation does not say."""
    steps = [str(step) for step in path]
    match steps:
        case ["run-name"] | ["concurrency", *_]:
            return _BEFORE
        case ["env", *_]:
            return _BEFORE | {"secrets"}
        case ["on", "workflow_call", "inputs", _, "default"]:
            return _BEFORE
        case ["on", "workflow_call", "outputs", _, "value"]:
            return _BEFORE | {"jobs"}
        case ["jobs", _, "steps", _, key, *_]:
            return _OF_STEP.get(key)
        case ["jobs", _, "environment", "url"]:
            return _IN_STEPS - {"secrets"}
        case ["jobs", _, "container", "credentials", *_] | ["jobs", _, "services", _, "credentials", *_]:
            return _BASE | {"env", "secrets"}
        case ["jobs", _, "container", "env", *_] | ["jobs", _, "services", _, "env", *_]:
            return _RUNNING
        case ["jobs", _, "container" | "services", *_]:
            return _BASE | {"env"}  # `env` in an image's name is refused, in other keys it is not documented
        case ["jobs", _, key, *_]:
            return _OF_JOB.get(key)
    return None


def takes_status_functions(path: KeyPath) -> bool:
    """True where `success()` and its like can be called: in conditions."""
    return bool(path) and path[-1] == "if"


def takes_hash_files(path: KeyPath) -> bool:
    """True where `hashFiles()` can be called: in the keys of a step."""
    return "steps" in path or path[:1] == ("runs",)
