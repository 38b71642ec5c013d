"""Container images by name: which of them name no fixed version."""

from __future__ import annotations

import re

from automation_scripts.validation.values.formats import is_template

_TAGGED = re.compile(r".*:[A-Za-z0-9_][A-Za-z0-9_.-]*", re.DOTALL)
_PLACEHOLDER = re.compile(r"[A-Z0-9_]+|[<\[{%$].*")


def floats(image: str) -> bool:
    """True for an image without tag and digest, and for `latest`. What a variable makes is not judged."""
    if not image or "@" in image or "://" in image or re.search(r"\s", image) or _PLACEHOLDER.fullmatch(image):
        return False
    if image.endswith(":latest"):
        return True
    if is_template(image) or "$" in image or "{{" in image:
        return False
    return not _TAGGED.fullmatch(image) or "/" in image.rpartition(":")[2]
