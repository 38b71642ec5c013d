"""What `automation doctor` looks at in governance: policies, users, audit log, anchors, keys, reviews, communications."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from automation_scripts.cli.doctor import Check

if TYPE_CHECKING:
    from automation_scripts.governance.audit.anchors import Anchor
    from automation_scripts.governance.audit.log import AuditLog
    from automation_scripts.governance.identity.directory import Directory
    from automation_scripts.settings import Settings


def policies(settings: Settings) -> Iterator[Check]:
    """Whether they can be used."""
    from automation_scripts.cli.quantities import counted
    from automation_scripts.governance.opened import authorizer
    from automation_scripts.governance.policy import PolicyError

    place = settings.policy_folder or "the installed policies"
    try:
        found = authorizer(settings).policies()
    except PolicyError as error:
        remedy = "Nothing is allowed until they are mended: automation policy check"
        yield Check("policies", "problem", str(error), remedy)
        return
    rules = counted(len(found.compiled.policies), "rule")
    yield Check("policies", "ok", f"{place}: {rules} and {counted(len(found.roles), 'role')}")


def users(settings: Settings) -> Iterator[Check]:
    """Whether there are any, and whether the administrators can prove who they are."""
    from automation_scripts.cli.policy_people import existing_directory
    from automation_scripts.cli.quantities import counted

    directory, set_up = existing_directory(settings)
    if directory is None or not set_up:
        said = "none are set up: whoever uses this account is the local user"
        yield Check("users", "note", said, "automation users init")
        return
    people = [user for user in directory.users() if user.enabled]
    yield Check("users", "ok", counted(len(people), "enabled user"))
    yield from _administrators(settings, directory)


def audit_log(settings: Settings) -> Iterator[Check]:
    """Whether it can be written, its key is private, and its end is what was signed."""
    import os

    from automation_scripts.cli.audit_common import file_of, log_exists
    from automation_scripts.errors import AuditUnavailable
    from automation_scripts.governance.opened import open_audit

    file = file_of(settings.audit_url)
    try:
        if not log_exists(settings):
            yield Check("audit log", "ok", f"{file} (made at the first run)")
            return
    except AuditUnavailable as error:
        yield Check("audit log", "problem", str(error), "Find out who removed it.")
        return
    if file is not None and not (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK | os.X_OK)):
        remedy = f"Nothing may run until it can: make {file} and its folder writable for this account."
        yield Check("audit log", "problem", f"{file} cannot be written", remedy)
        return
    log = open_audit(settings)
    yield _signing_key(log)
    yield _end(log)
    yield from _anchors(log)


def encryption(settings: Settings) -> Iterator[Check]:
    """Whether the key-encryption keys are there, and nobody else may read them."""
    from automation_scripts.cli.keks import kek_uses
    from automation_scripts.cli.quantities import counted
    from automation_scripts.errors import ConfigurationError

    try:
        found = kek_uses(settings)
    except ConfigurationError as error:
        yield Check("encryption keys", "problem", str(error), "automation keys status")
        return
    for use in found:
        if not use.available:
            said = f"{use.kek_id} is missing, and {counted(use.data_keys, 'data key')} hang on it: what they seal is unreadable"
            yield Check("encryption keys", "problem", said, "Put it back from your backup of the keys.")
    current = next((use.kek_id for use in found if use.current), None)
    if current is not None:
        yield Check("encryption keys", "ok", f"{current} is current, {counted(len(found), 'key')} in all")
    elif not found:
        yield Check("encryption keys", "ok", "none yet (made when the first value is sealed)")


def reviews(settings: Settings) -> Iterator[Check]:
    """Broken glasses that nobody has looked at in time: until then nobody may break another one."""
    from datetime import timedelta

    from automation_scripts.cli.audit_common import file_of
    from automation_scripts.governance.approvals.schema import SCHEMA, SUBJECT
    from automation_scripts.governance.approvals.store import ApprovalStore
    from automation_scripts.governance.communications import check_communications
    from automation_scripts.storage.database import Database
    from automation_scripts.storage.times import now

    check_communications(settings)
    file = file_of(settings.governance_url)
    if file is not None and not file.exists():
        return
    database = Database(settings.governance_url, SUBJECT, durable=True)
    with database.read() as connection:
        there = SCHEMA.version(connection) is not None
    database.dispose()
    if not there:
        return
    within = timedelta(seconds=settings.governance.approvals.review_within)
    with ApprovalStore(settings.governance_url) as store:
        overdue = store.overdue_reviews(now(), within)
    for request in overdue:
        said = f"{request.requester} broke the glass for {request.script} ({request.id}), and nobody reviewed it"
        yield Check("break-glass review", "problem", said, f"Somebody else: automation approvals review {request.id}")
    if not overdue:
        yield Check("break-glass review", "ok", "none is overdue")


def communications(settings: Settings) -> Iterator[Check]:
    """Whether what leaves this machine is encrypted; if not, nothing runs."""
    from automation_scripts.governance.communications import SETTING, insecure

    if not settings.automation.security.encrypt_communications:
        yield Check("communications", "note", "encryption is off", f"{SETTING}: true")
        return
    faults = list(insecure(settings))
    for fault in faults:
        yield Check(
            "communications", "problem", fault, f"Nothing runs until it is mended, or `{SETTING}: false` is set."
        )
    if not faults:
        yield Check("communications", "ok", "what leaves this machine is encrypted")


CHECKS = (policies, users, audit_log, encryption, reviews, communications)


def _administrators(settings: Settings, directory: Directory) -> Iterator[Check]:
    from automation_scripts.governance.identity.directory import ADMIN
    from automation_scripts.governance.identity.records import Kind

    admins = [
        user
        for user in directory.users()
        if user.enabled and user.kind is Kind.PERSON and ADMIN.role in directory.effective_roles(user.name, "")
    ]
    without = [user.name for user in admins if not {"totp", "webauthn"} & set(user.second_factors)]
    if not without:
        yield Check("administrators", "ok", f"{len(admins)}, each with a second factor")
        return
    nobody = len(without) == len(admins)
    said = f"no second factor: {', '.join(without)}" + ("; so nobody can administer" if nobody else "")
    level = "problem" if nobody and settings.automation.security.require_mfa else "note"
    yield Check("administrators", level, said, f"automation users totp enrol {without[0]}")


def _signing_key(log: AuditLog) -> Check:
    """Looks at it only where there is one: to ask for it would make it."""
    from automation_scripts.errors import AuditUnavailable
    from automation_scripts.governance.audit.health import entry_count

    assert log.signer is not None
    if not _has_key(log):
        if entry_count(log) == 0:
            return Check("audit key", "ok", "none yet (made with the first record)")
        return Check("audit key", "problem", f"{log.signer.folder} is gone", "Restore it from your backup of the keys.")
    try:
        log.signer.current()
        keys = log.signer.verifier_keys()
    except AuditUnavailable as error:
        return Check("audit key", "problem", str(error), "Nothing may run without it.")
    return Check("audit key", "ok", f"{log.signer.path}; {len(keys)} public in all")


def _end(log: AuditLog) -> Check:
    from automation_scripts.errors import AuditUnavailable
    from automation_scripts.governance.audit.health import check_end

    if not _has_key(log):
        return Check("audit log", "note", f"{log.database.place}: there is no key to check its end with")
    try:
        size = check_end(log)
    except AuditUnavailable as error:
        return Check("audit log", "problem", str(error), "automation audit verify names what was changed.")
    return Check("audit log", "ok", f"{log.database.place}: {size} entries, and its end is what was signed")


def _has_key(log: AuditLog) -> bool:
    return log.signer is not None and log.signer.exist()


def _anchors(log: AuditLog) -> Iterator[Check]:
    if not log.anchors:
        said = "none: a log that is replaced as a whole looks like a good one"
        yield Check("audit anchors", "note", said, "governance.anchors: a file on another volume, or an S3 bucket")
    for anchor in log.anchors:
        yield _anchor(log, anchor)


def _anchor(log: AuditLog, anchor: Anchor) -> Check:
    """Whether it answers, what it holds against the log, and how old the newest checkpoint is that it took."""
    from automation_scripts.cli.quantities import ago
    from automation_scripts.governance.audit.health import entry_count, largest_size, time_of
    from automation_scripts.storage.times import now

    subject, level = f"anchor {anchor.name}", "problem" if anchor.required else "note"
    try:
        notes = anchor.read()
    except Exception as error:  # an anchor may be anything
        said = f"cannot be read: {type(error).__name__}: {error}"
        return Check(subject, level, said, "Make it reachable; until then a replaced log stays unnoticed.")
    state = next(state for state in log.publisher.status() if state.name == anchor.name)
    keys = log.signer.verifier_keys() if log.signer and _has_key(log) else []
    held = state.published_size if notes is None else largest_size(notes, keys)
    if held < state.published_size:
        said = f"has lost checkpoints that it had taken: its newest one covers {held} of {state.published_size} entries"
        return Check(subject, "problem", said, "automation audit verify")
    if held > (size := entry_count(log)):
        said = f"holds a checkpoint of {held} entries, and the log has {size}: an earlier copy was put in its place"
        return Check(subject, "problem", said, "automation audit verify")
    if not held:
        return Check(subject, "note", "has no checkpoint yet", "automation audit checkpoint")
    at = time_of(log, held)
    said = f"its newest checkpoint covers {held} entries" + (f", the last one of {ago(at, now())}" if at else "")
    if state.behind:
        return Check(subject, level, f"{said}; {state.behind} behind", "automation audit checkpoint")
    return Check(subject, "ok", said)
