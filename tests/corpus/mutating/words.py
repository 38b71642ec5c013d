"""Made-up secrets, put together when they are asked for, so that no file of the project has one."""

from __future__ import annotations

import random
import string


def password(rng: random.Random) -> str:
    """What a person with a password manager would write."""
    letters = string.ascii_letters + string.digits
    return "".join(rng.choice(letters) for _ in range(14)) + rng.choice("-_") + "".join(rng.choices(letters, k=5))


def token(rng: random.Random) -> str:
    """In the shape of a GitLab or Slack token."""
    letters = string.ascii_letters + string.digits
    if rng.random() < 0.5:
        return "glpat-" + "".join(rng.choices(letters, k=20))
    return "xoxb-" + "".join(rng.choices(string.digits, k=12)) + "-" + "".join(rng.choices(letters, k=24))
