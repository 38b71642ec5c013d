"""Secrets by reference: `env:NAME`, `file:/path` or `block:NAME` in place of the secret itself.

No message quotes what was given unless it is a reference: it may be the secret.
"""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from automation_scripts.errors import InvalidParameters
from automation_scripts.governance.encryption.secret_value import SecretValue
from automation_scripts.secret_reference import ALLOWED, is_reference
from automation_scripts.settings.environ import SECRETS
from automation_scripts.storage.private_files import read_private

MOST_BYTES = 64 * 1024

_OURS = frozenset(
    {
        *SECRETS,
        "AUTOMATION_BOOTSTRAP_SECRET",
        "PREFECT_API_AUTH_STRING",
        "PREFECT_SERVER_API_AUTH_STRING",
        "PREFECT_API_KEY",
    }
)
"""Variables of this program and of its Prefect server: whoever may start a run must not act as them."""
_LOOKED_AT = 4096
_SYSTEM = (Path("/proc"), Path("/sys"), Path("/dev"))
"""Not files: /proc/self/environ would give the variables that are refused by name."""
_KNOWN_TOKEN = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|^(?:AKIA|ASIA)[A-Z0-9]{16}$|^gh[pousr]_|^github_pat_|^glpat-|^xox[abeprs]-|^sk[-_]"
    r"|^AIza|^eyJ[\w-]+\.|^hvs\.|^npm_|^pypi-|://[^\s/@:]*:[^\s/@]+@",
    re.MULTILINE,
)


def require_reference(text: str, parameter: str) -> str:
    """The text, which must be a reference. Raises InvalidParameters that names the parameter and not the text."""
    if is_reference(text):
        return text
    looks = (
        "holds what looks like the secret itself; change that secret, since it may have been logged"
        if looks_like_secret_value(text)
        else "holds no reference"
    )
    raise InvalidParameters(f"Parameter {parameter!r} {looks}. Give a reference to the secret: {ALLOWED}.")


def looks_like_secret_value(text: str) -> bool:
    """Whether the text seems to be a secret: the form of a well-known token, or 16 and more unpredictable characters.

    A guess for warnings: passwords that are words are not found. What must be a reference goes to `require_reference`.
    """
    text = text.strip()[:_LOOKED_AT]
    if is_reference(text) or not text:
        return False
    if _KNOWN_TOKEN.search(text):
        return True
    if len(text) < 16 or any(character.isspace() for character in text) or text.startswith(("/", "./", "http")):
        return False
    kinds = sum(bool(re.search(kind, text)) for kind in ("[a-z]", "[A-Z]", "[0-9]", "[^A-Za-z0-9]"))
    return kinds >= 2 and bool(re.search("[0-9]", text)) and _entropy(text) >= 3.2


def resolve_reference(
    text: str,
    *,
    block: Callable[[str], str | SecretValue] | None = None,
    environ: Mapping[str, str] | None = None,
    folders: Collection[Path] | None = None,
    closed: Collection[Path] = (),
) -> SecretValue:
    """The secret that the text refers to.

    Args:
        text: `env:NAME`; `file:/path`, a UTF-8 file of at most 64 KiB to which the world has no access, without its last
            line break; or `block:NAME`.
        block: gives the value of the Secret block of that name.
        environ: the variables; those of this process when left out. Our own token, keys and passwords are never given.
        folders: files must lie in one of these; anywhere when left out.
        closed: no file in these is given. Whoever may start a run chooses the reference, so the state folder belongs
            here: its keys are no parameter of anything.

    Raises:
        InvalidParameters: it is no reference, what it refers to is missing or empty, or it is out of bounds.
        ConfigurationError: the file cannot be read, is too large, or the world has access to it.
    """
    if not is_reference(text):
        raise InvalidParameters(f"A secret must be given by reference: {ALLOWED}. What was given is none of these.")
    kind, _, name = text.partition(":")
    if kind == "env":
        if name.upper() in _OURS:  # Windows knows no difference between the cases
            raise InvalidParameters(
                f"{text!r} is a secret of this program itself and is not given to runs. Keep what the run needs in a variable "
                "of another name, a file or a Secret block."
            )
        clear = (os.environ if environ is None else environ).get(name, "")
        advice = "Set the environment variable in the process that runs this"
    elif kind == "file":
        path = _within(Path(name), folders, closed)
        clear, advice = _from_file(path), "Check the path, and that the file is not empty"
    else:
        clear, advice = _from_block(name, block), "Create it in Prefect as a Secret block"
    if not clear:
        raise InvalidParameters(f"The secret {text!r} is missing or empty. {advice}.")
    return SecretValue(clear)


def _within(path: Path, folders: Collection[Path] | None, closed: Collection[Path]) -> Path:
    """The real path, so that no link leads out of the folders."""
    real = _real(path)
    if folders is not None and not any(real.is_relative_to(_real(folder)) for folder in folders):
        allowed = ", ".join(map(str, folders)) or "none"
        raise InvalidParameters(
            f"The secret file {path} lies outside the folders for secrets ({allowed}). Move it there."
        )
    if any(real.is_relative_to(_real(folder)) for folder in (*_SYSTEM, *closed)):
        raise InvalidParameters(f"The secret file {path} lies in a folder whose files are not given out. Move it.")
    return real


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))  # unlike Path.resolve it takes links that lead in a circle


def _from_file(path: Path) -> str:
    try:
        # The group may read: that is how services are given their secrets.
        data = read_private(path, "secret file", most=MOST_BYTES, forbidden=0o027)
    except FileNotFoundError:
        return ""
    text = _decoded(data)
    if text is None:
        raise InvalidParameters(f"The secret file {path} is not UTF-8 text. Store the secret in base64.")
    return text.removesuffix("\n").removesuffix("\r")


def _from_block(name: str, block: Callable[[str], str | SecretValue] | None) -> str:
    if block is None:
        raise InvalidParameters(
            f"Secret blocks cannot be read here, so 'block:{name}' cannot be resolved. Use env: or file:."
        )
    try:
        found = block(name)
    except (ValueError, LookupError):  # Prefect's answer for a block that does not exist
        return ""
    return found.reveal() if isinstance(found, SecretValue) else found


def _decoded(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:  # it holds the data, so it must not be anybody's cause
        return None


def _entropy(text: str) -> float:
    """Bits a character, by how often each occurs."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())
