"""Who may do what, where and when: policies in YAML and Cedar, decisions with their reasons.

`Authorizer.authorize(AccessRequest)` is the way in; `PolicySet` is the policies of one moment.
"""

from automation_scripts.governance.policy.authorizer import Authorizer
from automation_scripts.governance.policy.changes import Changed, PastRun, diff
from automation_scripts.governance.policy.checking import check
from automation_scripts.governance.policy.explain import explain
from automation_scripts.governance.policy.files import policy_folder
from automation_scripts.governance.policy.matrix import Outcome, Row, matrix
from automation_scripts.governance.policy.model import (
    AccessRequest,
    Advice,
    Decision,
    Missing,
    PolicySource,
    Principal,
)
from automation_scripts.governance.policy.policy_set import PolicySet
from automation_scripts.governance.policy.policy_tests import CaseResult, run_tests
from automation_scripts.governance.policy.problems import DEFAULTS, PolicyError
from automation_scripts.governance.policy.vocabulary import Action, PrincipalKind

__all__ = [
    "DEFAULTS",
    "AccessRequest",
    "Action",
    "Advice",
    "Authorizer",
    "CaseResult",
    "Changed",
    "Decision",
    "Missing",
    "Outcome",
    "PastRun",
    "PolicyError",
    "PolicySet",
    "PolicySource",
    "Principal",
    "PrincipalKind",
    "Row",
    "check",
    "diff",
    "explain",
    "matrix",
    "policy_folder",
    "run_tests",
]
