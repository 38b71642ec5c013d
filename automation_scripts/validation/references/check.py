"""References: what configuration names must exist, once, without cycles, and be used. One call for all formats."""

from __future__ import annotations

from collections.abc import Sequence

from automation_scripts.results import Finding
from automation_scripts.validation.documents.corpus import Corpus
from automation_scripts.validation.documents.tree import ParsedFile
from automation_scripts.validation.references.ansible import check_ansible
from automation_scripts.validation.references.circleci import check_circleci
from automation_scripts.validation.references.cloudformation import check_cloudformation
from automation_scripts.validation.references.compose import check_compose
from automation_scripts.validation.references.compose_conflicts import check_compose_conflicts
from automation_scripts.validation.references.compose_ports import check_compose_ports
from automation_scripts.validation.references.defaults import check_defaults
from automation_scripts.validation.references.env_files import NamedFile, check_env_files
from automation_scripts.validation.references.files import check_file_references
from automation_scripts.validation.references.gitlab import check_gitlab
from automation_scripts.validation.references.helm import check_helm
from automation_scripts.validation.references.kubernetes import check_kubernetes
from automation_scripts.validation.references.kubernetes_conflicts import check_kubernetes_conflicts
from automation_scripts.validation.references.kubernetes_links import check_links
from automation_scripts.validation.references.name_tables import check_name_tables
from automation_scripts.validation.references.names import check_named
from automation_scripts.validation.references.openapi import check_openapi
from automation_scripts.validation.references.orderings import check_orderings
from automation_scripts.validation.references.pointers import check_pointers
from automation_scripts.validation.references.repeated_names import check_repeated
from automation_scripts.validation.references.workflows import check_workflows

FAMILIES = (
    check_file_references,
    check_pointers,
    check_openapi,
    check_compose,
    check_compose_ports,
    check_compose_conflicts,
    check_kubernetes,
    check_links,
    check_kubernetes_conflicts,
    check_workflows,
    check_gitlab,
    check_circleci,
    check_cloudformation,
    check_helm,
    check_ansible,
    check_named,
    check_name_tables,
    check_repeated,
    check_orderings,
    check_defaults,
)


def check_references(files: Sequence[ParsedFile] | Corpus, env_files: Sequence[NamedFile] = ()) -> list[Finding]:
    """Every finding about references, in the order of file and line, each place once per rule.

    Args:
        files: The whole tree: an object may be defined in another file than the one that uses it.
        env_files: `.env` files of the tree, such as `Discovery.env_files`; they are read here.
    """
    corpus = Corpus.of_files(files)
    found: dict[tuple[str, str | None, int | None, int | None], Finding] = {}
    listed = [finding for family in FAMILIES for finding in family(corpus)]
    for finding in [*listed, *check_env_files(corpus, env_files)]:
        found.setdefault((finding.rule_id, finding.file, finding.line, finding.column), finding)
    return sorted(found.values(), key=lambda f: (f.file or "", f.line or 0, f.column or 0, f.rule_id))
