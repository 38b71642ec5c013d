"""What YAML values mean: types of scalars, plain data of trees, and where YAML 1.1 and 1.2 disagree."""

from __future__ import annotations

from automation_scripts.validation.parsing.scalar_types import (
    HUGE,
    Scalar,
    TypeName,
    Version,
    is_string,
    resolve,
    resolve_plain,
)
from automation_scripts.validation.parsing.version_differences import differences
from automation_scripts.validation.parsing.yaml_data import key_text, to_data

__all__ = [
    "HUGE",
    "Scalar",
    "TypeName",
    "Version",
    "differences",
    "is_string",
    "key_text",
    "resolve",
    "resolve_plain",
    "to_data",
]
