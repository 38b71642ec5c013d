"""The security analysis of configuration: one call for all families of checks."""

from __future__ import annotations

from collections.abc import Sequence

from automation_scripts.results import Finding
from automation_scripts.validation.documents.corpus import Corpus
from automation_scripts.validation.documents.tree import ParsedFile
from automation_scripts.validation.security.compose_isolation import check_compose_isolation
from automation_scripts.validation.security.container_options import check_container_options
from automation_scripts.validation.security.exposure import check_exposure
from automation_scripts.validation.security.permissions import check_permissions
from automation_scripts.validation.security.pod_isolation import check_pod_isolation
from automation_scripts.validation.security.secrets import find_secrets
from automation_scripts.validation.security.weak_settings import check_settings
from automation_scripts.validation.security.workflow_injection import check_injection

# Of two findings in one place the first one stays: what knows its container better stands before what only sees a key.
FAMILIES = (
    find_secrets,
    check_compose_isolation,
    check_pod_isolation,
    check_container_options,
    check_permissions,
    check_exposure,
    check_settings,
    check_injection,
)


def check_security(files: Sequence[ParsedFile] | Corpus) -> list[Finding]:
    """Every security finding of the given files, in the order of file and line, each place once per rule."""
    corpus = Corpus.of_files(files)
    found: dict[tuple[str, str | None, int | None, int | None], Finding] = {}
    for family in FAMILIES:
        for finding in family(corpus):
            # Anchored text that many services share is wrong once.
            found.setdefault((finding.rule_id, finding.file, finding.line, finding.column), finding)
    return sorted(found.values(), key=lambda f: (f.file or "", f.line or 0, f.column or 0, f.rule_id))
