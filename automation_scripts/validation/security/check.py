"""The security analysis of configuration: one call for all families of checks."""

from __future__ import annotations

from collections.abc import Sequence

from automation_scripts.results import Finding
from automation_scripts.validation.documents.corpus import Corpus
from automation_scripts.validation.documents.tree import ParsedFile
from automation_scripts.validation.security.api_descriptions import check_api_descriptions
from automation_scripts.validation.security.catalogue import with_references
from automation_scripts.validation.security.cloud_policies import check_cloud_policies
from automation_scripts.validation.security.cloud_resources import check_cloud_resources
from automation_scripts.validation.security.compose_isolation import check_compose_isolation
from automation_scripts.validation.security.compose_limits import check_compose_limits
from automation_scripts.validation.security.container_options import check_container_options
from automation_scripts.validation.security.exposure import check_exposure
from automation_scripts.validation.security.open_services import check_open_services
from automation_scripts.validation.security.permissions import check_permissions
from automation_scripts.validation.security.pipelines import check_pipelines
from automation_scripts.validation.security.plain_protocols import check_plain_protocols
from automation_scripts.validation.security.playbooks import check_playbooks
from automation_scripts.validation.security.pod_hardening import check_pod_hardening
from automation_scripts.validation.security.pod_isolation import check_pod_isolation
from automation_scripts.validation.security.secrets import find_secrets
from automation_scripts.validation.security.weak_ciphers import check_weak_ciphers
from automation_scripts.validation.security.weak_settings import check_settings
from automation_scripts.validation.security.workflow_credentials import check_workflow_credentials
from automation_scripts.validation.security.workflow_injection import check_injection
from automation_scripts.validation.security.workflow_rights import check_workflow_rights
from automation_scripts.validation.security.workflow_scripts import check_workflow_scripts
from automation_scripts.validation.security.workflow_uses import check_workflow_uses

# Of two findings in one place the first one stays: what knows its container better stands before what only sees a key.
FAMILIES = (
    find_secrets,
    check_compose_isolation,
    check_compose_limits,
    check_pod_isolation,
    check_pod_hardening,
    check_cloud_resources,
    check_container_options,
    check_permissions,
    check_cloud_policies,
    check_exposure,
    check_open_services,
    check_settings,
    check_weak_ciphers,
    check_plain_protocols,
    check_injection,
    check_workflow_rights,
    check_workflow_credentials,
    check_workflow_scripts,
    check_workflow_uses,
    check_pipelines,
    check_playbooks,
    check_api_descriptions,
)


def check_security(files: Sequence[ParsedFile] | Corpus) -> list[Finding]:
    """Every security finding of the given files, in the order of file and line, each place once per rule."""
    corpus = Corpus.of_files(files)
    found: dict[tuple[object, ...], Finding] = {}
    seen_by: dict[tuple[object, ...], int] = {}
    for number, family in enumerate(FAMILIES):
        for finding in family(corpus):
            # What two families see in one setting is one mistake.
            setting = (finding.file, finding.line, finding.tags, finding.resource)
            if seen_by.setdefault(setting, number) == number:
                # Anchored text that many services share is wrong once.
                found.setdefault((finding.rule_id, finding.file, finding.line, finding.column), finding)
    return with_references(sorted(found.values(), key=lambda f: (f.file or "", f.line or 0, f.column or 0, f.rule_id)))
