"""Compose services without a memory limit, in files where the others have one.

Where no service has any, nothing is said: limits are then set elsewhere, or not wanted.
"""

from __future__ import annotations

from automation_scripts.results import Finding, Severity
from automation_scripts.validation.documents.compose_services import Service, services
from automation_scripts.validation.documents.corpus import Corpus

_KEYS = ("mem_limit",)
_BELOW = ("deploy", "resources", "limits", "memory")


def check_compose_limits(corpus: Corpus) -> list[Finding]:
    """Every service that is the exception in its file."""
    found: list[Finding] = []
    for document in corpus.of("compose"):
        all_services = [service for service in services(document) if _runs(service)]
        bare = [service for service in all_services if not _is_limited(service)]
        limited = len(all_services) - len(bare)
        # Two that have one and most of all: that is a habit of this file.
        if limited < 2 or limited <= len(bare):
            continue
        found += [
            document.finding(
                service.key.span,
                "security/no-limits",
                Severity.LOW,
                f"Service '{service.name}' has no memory limit, as {limited} of {len(all_services)} services here have.",
                "no-limits",
                path=(*service.path, "deploy", "resources", "limits", "memory"),
                suggestion="Set deploy.resources.limits.memory, so that a leak ends one container and not the host.",
            )
            for service in bare
        ]
    return found


def _runs(service: Service) -> bool:
    return any(service.node.entry(key) for key in ("image", "build"))


def _is_limited(service: Service) -> bool:
    # What a service takes over from elsewhere is not known here.
    if service.node.entry("extends"):
        return True
    return any(service.node.entry(key) for key in _KEYS) or service.node.at(_BELOW) is not None
