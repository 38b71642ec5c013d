"""Names of environments in names of files, folders, sections and hosts."""

from __future__ import annotations

import re

PRODUCTION = "production"
WORDS = {
    "preproduction": "preprod",
    "pre-production": "preprod",
    "pre-prod": "preprod",
    "pre_production": "preprod",
    "pre_prod": "preprod",
    "preprod": "preprod",
    "nonproduction": "nonprod",
    "non-production": "nonprod",
    "non-prod": "nonprod",
    "non_prod": "nonprod",
    "nonprod": "nonprod",
    "production": PRODUCTION,
    "prod": PRODUCTION,
    "prd": PRODUCTION,
    "staging": "staging",
    "stage": "staging",
    "stg": "staging",
    "development": "development",
    "develop": "development",
    "dev": "development",
    "testing": "test",
    "test": "test",
    "qa": "qa",
    "uat": "uat",
    "local": "local",
}
"""The words people write, and the environment that each stands for."""
# Longer words first, so that `pre-prod` is never taken for `prod`.
WORD = re.compile(rf"(?i)(?<![a-z0-9])({'|'.join(WORDS)})(?![a-z0-9])")
BASE_WORD = re.compile(r"(?i)(?<![a-z0-9])(base|defaults?|common|shared|all|global)(?![a-z0-9])")
VAGUE = frozenset({"test", "local"})
"""These also name folders of tests and of a machine's own files: alone they make no group."""
DEVELOPERS = frozenset({"development", "local", "test", "nonprod"})
"""Environments that nobody but developers use."""
_GENERIC_NAME = re.compile(r"(?:config|configuration|settings|application|app|values)(?=\.\w+$)")


def environments_in(name: str) -> dict[str, None]:
    """The environments that a name holds, in the order of the text."""
    return {WORDS[word.lower()]: None for word in WORD.findall(name)}


def has_environment(name: str) -> bool:
    """True when a name holds the word of an environment, as in `staging_bucket`."""
    return WORD.search(name.replace("_", "-")) is not None


def without(name: str, environment: str) -> str:
    """The skeleton of a name without the words of one environment."""
    return skeleton(WORD.sub(lambda found: "" if WORDS[found[0].lower()] == environment else found[0], name))


def skeleton(name: str) -> str:
    """A name with its folders, whatever marks stood around the words that were taken out."""
    parts = [re.sub(r"[._-]+", ".", part).strip(".").lower() for part in name.split("/")]
    return re.sub(r"\byml$", "yaml", "/".join(parts))


def base_skeletons(name: str) -> set[str]:
    """The groups that a file without an environment in its name can be the base of."""
    plain, shared = skeleton(name), skeleton(BASE_WORD.sub("", name))
    return {
        plain,
        shared,
        *(_GENERIC_NAME.sub("", part).replace("/.", "/").lstrip(".") for part in (plain, shared)),
    }
