"""The families of checks, each one call; and all of them that can be made on one file alone, to prove a correction.

Everything heavy is imported by the family that needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from automation_scripts.results import Finding
from automation_scripts.validation.documents.corpus import Corpus
from automation_scripts.validation.documents.tree import ParsedFile
from automation_scripts.validation.input.discovery import ConfigFile
from automation_scripts.validation.parameters import ConfigValidatorParameters

if TYPE_CHECKING:
    from automation_scripts.validation.rules.check import Rule


def versions(corpus: Corpus) -> list[Finding]:
    """Where YAML 1.1 and 1.2 readers would understand something else."""
    from automation_scripts.validation.parsing.version_differences import differences

    return [finding for file in corpus.files for finding in differences(file)]


def schemas(corpus: Corpus, root: Path, parameters: ConfigValidatorParameters) -> list[Finding]:
    """Every document against its JSON Schema."""
    from automation_scripts.validation.schemas.check import check_schemas

    return check_schemas(
        corpus.files,
        user_schema=Path(parameters.schema_path) if parameters.schema_path else None,
        root=root,
        strictness=parameters.validation_rules,
    )


def chosen_rules(parameters: ConfigValidatorParameters) -> list[Rule]:
    """The business rules: ours, and the caller's own. Raises InvalidParameters for a rule file that is wrong."""
    from automation_scripts.validation.rules.check import load_rules

    return load_rules([Path(parameters.rules_path)] if parameters.rules_path else [])


def rules(corpus: Corpus, chosen: Sequence[Rule], environment: str | None) -> list[Finding]:
    """What breaks a business rule."""
    from automation_scripts.validation.rules.check import check_rules
    from automation_scripts.validation.security.catalogue import with_references

    return with_references(check_rules(corpus, chosen, environment=environment))


def inconsistencies(corpus: Corpus, env_files: Sequence[ConfigFile] = ()) -> list[Finding]:
    """References that lead nowhere, cycles, collisions, and what differs between environments."""
    from automation_scripts.validation.environments.check import check_environments
    from automation_scripts.validation.references.check import check_references

    return [*check_references(corpus, env_files), *check_environments(corpus, env_files)]


def learned(corpus: Corpus, said: Iterable[Finding]) -> list[Finding]:
    """What differs from the habits of the tree itself, where the other families (`said`) have found nothing."""
    from automation_scripts.validation.learned.check import check_learned

    return check_learned(corpus, {(finding.file, finding.line) for finding in said if finding.file and finding.line})


def security(corpus: Corpus) -> list[Finding]:
    """Secrets, dangerous permissions, exposure."""
    from automation_scripts.validation.security.check import check_security

    return check_security(corpus)


def of_one_file(
    root: Path, parameters: ConfigValidatorParameters, environment: str | None
) -> Callable[[ParsedFile], list[Finding]]:
    """What the families say of one file without the others, as a function: the same before and after a correction."""
    chosen = chosen_rules(parameters)

    def look(file: ParsedFile) -> list[Finding]:
        corpus = Corpus([file])
        return [
            *versions(corpus),
            *schemas(corpus, root, parameters),
            *rules(corpus, chosen, environment),
            *inconsistencies(corpus),
            *security(corpus),
        ]

    return look
