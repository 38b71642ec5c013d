"""What was found in files that have not changed since, so that a second look costs a fraction.

Kept by content, for one version of the checks and one choice of parameters:

- the trees of a file that was read without a finding, as numbers only (`stored_trees`);
- the findings of the families that look at one document at a time: versions, rules, security;
- these and the findings of the schema family for the tree as a whole: kinds of resources, patches and charts that one
  file defines change what schemas say of others.

References, environments and everything else that compares files is done every time. With and without the cache the
same is found. Configuration's own text is never stored: findings mask secrets, and what would carry one is left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

from automation_scripts.results import Finding, Severity
from automation_scripts.validation import checks
from automation_scripts.validation.documents.corpus import Corpus
from automation_scripts.validation.documents.tree import Format, ParsedFile
from automation_scripts.validation.input.discovery import ConfigFile
from automation_scripts.validation.input.file_kinds import kind_of
from automation_scripts.validation.input.limits import DEFAULT_LIMITS, Limits
from automation_scripts.validation.input.reading import NotReadable, read_bytes
from automation_scripts.validation.input.text import decode, looks_binary
from automation_scripts.validation.parameters import ConfigValidatorParameters
from automation_scripts.validation.parsing.files import parse_file, parse_text
from automation_scripts.validation.parsing.placeholders import in_chart
from automation_scripts.validation.team.cache_store import EntryFolder, default_cache_folder, key_of
from automation_scripts.validation.team.engine import engine_digest
from automation_scripts.validation.team.schema_context import outside_schemas
from automation_scripts.validation.team.stored_findings import from_json, holds_any, secrets_in, to_json
from automation_scripts.validation.team.stored_trees import restored, stored

if TYPE_CHECKING:
    from automation_scripts.validation.rules.check import Rule

MAX_BYTES = 256 * 2**20
_LOCAL = ("versions", "rules", "security")
_NO_MATTER = {"config_path", "apply_fixes", "check_block", "expectations_path", "max_file_mb", "baseline_path"}
"""Parameters that change nothing of what these families say of a file; every other one is part of the key."""


class Checked(NamedTuple):
    """The findings of four families, as `checks` gives them for the same corpus."""

    versions: list[Finding]
    schemas: list[Finding]
    rules: list[Finding]
    security: list[Finding]


class ValidationCache:
    """A cache in a folder, which several processes may share. Use it as a context manager, or call `close`.

    Args:
        folder: by default `$XDG_CACHE_HOME` or `~/.cache`, there `automation-scripts/validation`.
        max_bytes: how large the folder may grow; what was not used for longest goes first.
    """

    def __init__(self, folder: Path | None = None, *, max_bytes: int = MAX_BYTES) -> None:
        self._entries = EntryFolder(folder or default_cache_folder(), max_bytes)
        self.hits = 0
        self.misses = 0

    @property
    def problem(self) -> str:
        """Why nothing is stored; empty when all is well. The results are right in any case."""
        return self._entries.problem

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Make room when the folder has grown too large."""
        self._entries.close()

    # Trees --------------------------------------------------------------------------------------------------

    def parse(self, file: ConfigFile, limits: Limits = DEFAULT_LIMITS) -> ParsedFile:
        """The same as `parse_file`."""
        path = file.path.absolute()
        try:
            data = read_bytes(path, limits)
        except NotReadable:
            return parse_file(path, file.name, limits, file.kind)
        decoded = decode(b"" if looks_binary(data) else data, file.name)
        text = decoded.text
        if not text or decoded.mark or decoded.findings or ("{{" in text and in_chart(path)):
            return parse_file(path, file.name, limits, file.kind)
        kind = file.kind or kind_of(path.as_posix()) or kind_of(file.name)
        key = key_of(engine_digest(), "tree", str(kind), path.suffix, repr(limits), data)
        parsed = self._restored(key, path, file.name, text)
        if parsed is None:
            parsed = parse_text(path, file.name, text, limits, file.kind)
            if parsed.documents and not parsed.findings and (body := stored(parsed)) is not None:
                self._entries.put(key, parsed.format.value.encode() + b"\n" + body)
        return parsed

    def _restored(self, key: str, path: Path, name: str, text: str) -> ParsedFile | None:
        body = self._get(key)
        if body is None:
            return None
        written, _, rest = body.partition(b"\n")
        documents = restored(rest, text)
        if documents is None or written not in (b"yaml", b"json"):
            return None
        return ParsedFile(path, name, Format(written.decode()), text, documents)

    # Findings -----------------------------------------------------------------------------------------------

    def check(
        self,
        corpus: Corpus,
        root: Path,
        parameters: ConfigValidatorParameters,
        environment: str | None = None,
        chosen: Callable[[], Sequence[Rule]] | None = None,
    ) -> Checked:
        """What `checks.versions`, `schemas`, `rules` and `security` say of a corpus.

        Args:
            corpus: the whole tree.
            root: the folder that was asked for.
            parameters: as for `checks`.
            environment: what rules see as `environment`.
            chosen: gives the rules; asked only when some file is new.

        Raises:
            InvalidParameters: a rule or schema file that is wrong.
        """
        choose = chosen or (lambda: checks.chosen_rules(parameters))
        local = _Local(corpus, parameters, environment)
        outside = None if parameters.schema_path else outside_schemas(corpus)
        whole = None if outside is None else key_of("whole", str(root), *outside, *local.keys.values())
        if whole is not None and (read := self._findings(whole, Checked._fields)) is not None:
            return Checked(**read)
        families = self._by_file(local, choose)
        schemas = checks.schemas(corpus, root, parameters)
        checked = Checked(families["versions"], schemas, families["rules"], families["security"])
        if whole is not None and _is_safe(corpus, checked):
            self._entries.put(whole, to_json(checked._asdict()))
        return checked

    def _by_file(self, local: _Local, choose: Callable[[], Sequence[Rule]]) -> dict[str, list[Finding]]:
        """What the families say that look at one document at a time: of every file from its entry, or anew."""
        known: dict[str, dict[str, list[Finding]]] = {}
        for name, key in local.keys.items():
            if (found := self._findings(key, _LOCAL)) is not None:
                known[name] = found
        missed = [file for file in local.corpus.files if file.name not in known]
        rules = self._rest(local, missed, known, choose) if missed else None
        families = {
            name: [finding for file in local.corpus.files for finding in known[file.name][name]] for name in _LOCAL
        }
        return families if rules is None else {**families, "rules": rules}

    def _rest(
        self,
        local: _Local,
        missed: Sequence[ParsedFile],
        known: dict[str, dict[str, list[Finding]]],
        choose: Callable[[], Sequence[Rule]],
    ) -> list[Finding] | None:
        """Check the files that are new and add them to `known`; all findings of rules when they cannot be told by file."""
        part = _part(local.corpus, missed)
        chosen = choose()
        fresh = {
            "versions": checks.versions(part),
            "rules": checks.rules(part, chosen, local.environment),
            "security": checks.security(part),
        }
        for file in missed:
            known[file.name] = {name: [] for name in _LOCAL}
        for name, findings in fresh.items():
            for finding in findings:
                known[finding.file or ""][name].append(finding)
        if any(map(_ends_a_rule, fresh["rules"])):
            # A rule that fails too often is given up for all files after: that is no matter of one file.
            return checks.rules(local.corpus, chosen, local.environment)
        for file in missed:
            found = known[file.name]
            every = [finding for findings in found.values() for finding in findings]
            if not holds_any(every, secrets_in(file, found["security"])):
                self._entries.put(local.keys[file.name], to_json(found))
        return None

    def _findings(self, key: str, names: Sequence[str]) -> dict[str, list[Finding]] | None:
        body = self._get(key)
        return None if body is None else from_json(body, names)

    def _get(self, key: str) -> bytes | None:
        body = self._entries.get(key)
        self.hits += body is not None
        self.misses += body is None
        return body


class _Local:
    """The key of every file: all that its findings can depend on."""

    def __init__(self, corpus: Corpus, parameters: ConfigValidatorParameters, environment: str | None) -> None:
        self.corpus = corpus
        self.environment = environment
        chosen = parameters.model_dump_json(exclude=_NO_MATTER)
        shared = key_of(engine_digest(), "local", chosen, environment or "", *_rule_files(parameters))
        kinds: dict[str, list[str]] = defaultdict(list)
        for document in corpus.documents:
            # A kind may depend on what stands beside the file.
            kinds[document.file.name].append(f"{document.document.index} {document.kind}")
        self.keys = {
            file.name: key_of(
                shared,
                file.name,
                str(file.path),
                file.format.value,
                file.text,
                *kinds[file.name],
                *(f"{finding.fingerprint} {finding.line} {finding.column}" for finding in file.findings),
            )
            for file in corpus.files
        }


def _rule_files(parameters: ConfigValidatorParameters) -> list[bytes]:
    """The caller's own rules, file by file."""
    if not parameters.rules_path:
        return []
    from automation_scripts.validation.rules.files import rule_paths

    parts: list[bytes] = []
    for path in rule_paths(Path(parameters.rules_path), []):
        try:
            parts += [str(path).encode("utf-8", "surrogateescape"), read_bytes(path, DEFAULT_LIMITS)]
        except NotReadable:
            parts.append(b"")
    return parts


def _part(corpus: Corpus, files: Sequence[ParsedFile]) -> Corpus:
    """Some files of a corpus, with the documents as they are: what was found out about them is shared."""
    wanted = {file.name for file in files}
    part = Corpus([])
    part.files = list(files)
    part.documents = [document for document in corpus.documents if document.file.name in wanted]
    return part


def _is_safe(corpus: Corpus, checked: Checked) -> bool:
    """Whether no finding carries a secret of its own file."""
    by_file: dict[str | None, list[Finding]] = defaultdict(list)
    for finding in (finding for family in checked for finding in family):
        by_file[finding.file].append(finding)
    return not any(
        holds_any(by_file[file.name], secrets_in(file, by_file[file.name]))
        for file in corpus.files
        if file.name in by_file
    )


def _ends_a_rule(finding: Finding) -> bool:
    """Whether a finding says that a rule cannot be evaluated, or was given up."""
    if finding.severity is not Severity.INFO or not finding.message.startswith(f"The rule {finding.rule_id} "):
        return False
    return not finding.message.endswith("more findings here.")
