"""What the gate costs a run: token, policies, approval lookup, and the records of the audit log."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.measure import Figure, median

PASSWORD = "lantern orbit velvet 9"
REPEATED = 20


def measure(home: Path, rounds: int) -> Iterator[Figure]:
    """CPU milliseconds of admitting a run, and of permitting its plan."""
    import pyotp

    from automation_scripts.governance.consent import Plan
    from automation_scripts.governance.credentials import Presented
    from automation_scripts.governance.facts import Entry
    from automation_scripts.governance.identity.records import PasswordCredential, RoleBinding
    from automation_scripts.governance.opened import open_approvals, open_gate, open_identity
    from automation_scripts.settings import load_settings

    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home) as folder:
        settings = load_settings(environ={"AUTOMATION_HOME": folder})
        store = open_identity(settings)
        store.bootstrap.create_first_admin("ada", PASSWORD, secret=store.bootstrap.secret())
        codes = {}
        for name in ("rita", "ron"):
            store.directory.add_user(name, by="ada", roles=[RoleBinding("release-manager")])
            store.set_password(name, PASSWORD, by="ada")
            secret = pyotp.parse_uri(store.totp.begin(name, by=name).uri).secret
            codes[name] = list(store.second_factors.confirm_totp(name, pyotp.TOTP(secret).now(), source="benchmark"))
        tokens = {}
        for name in ("rita", "ron"):
            person = store.authenticate(PasswordCredential(name, PASSWORD, codes[name].pop()), source="benchmark")
            tokens[name] = store.login_tokens.issue(person).text
        gate = open_gate(settings)
        change = {"resource": "/etc/shop.yaml", "action": "update", "before": "a", "after": "b"}
        plan = Plan([change] * 10, [change] * 10)

        def entry(number: int, approval: str | None = None) -> Entry:
            return Entry(
                script="config_validator",
                environment="production",
                parameters={"config_path": "/etc", "number": number},
                shown={"config_path": "/etc", "number": number},
                claimed_user="rita",
                credential=Presented(token=tokens["rita"]),
                trigger="cli",
                by_person=True,
                level="automatic",
                dry_run=False,
                intends_changes=True,
                execution_id=f"exec_{number}",
                approval_id=approval,
            )

        gate.admit(entry(0), unproved_allowed=True)
        count = REPEATED * max(rounds // 2, 1)
        admissions = [gate.admit(entry(number), unproved_allowed=True) for number in range(count)]
        cpu = [_cpu_ms(lambda: gate.admit(entry(number), unproved_allowed=True)) for number in range(count)]  # noqa: B023
        yield Figure("admission: token, policies, intent in the audit log; CPU", median(cpu), "ms", "≤ 10")

        permitted = []
        approvals = open_approvals(settings)
        for number, admission in enumerate(admissions):
            asked = gate.consent.ask(admission, plan)
            from automation_scripts.governance.approvals.records import Approver

            ron = Approver("ron", "person", frozenset({"release-manager"}), "password+totp", store.now())
            approvals.vote(asked.id, ron, "grant")
            gate.rely_on(admission, asked.id)
            permitted.append(_cpu_ms(lambda: gate.permit(admission, plan)))  # noqa: B023
            assert admission.approvals == [asked.id], number
        yield Figure(
            "permission to change: policies, approval used up, intent in the audit log; CPU",
            median(permitted),
            "ms",
            "≤ 10",
        )


def _cpu_ms(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1000
