"""A secret in memory that shows itself only when asked."""

from __future__ import annotations

import hmac
from typing import Any, NoReturn, SupportsIndex

HIDDEN = "[secret]"


class SecretValue:
    """Text that is shown as `[secret]` wherever it is printed, formatted or logged; `reveal` gives it.

    It is neither pickled nor written as JSON. It cannot be protected from code that looks for it, nor wiped from memory.
    """

    __slots__ = ("__clear",)
    __hash__ = None  # type: ignore[assignment]  # a dictionary key would be compared in variable time

    def __init__(self, clear: str) -> None:
        self.__clear = clear

    def reveal(self) -> str:
        """The secret."""
        return self.__clear

    def __repr__(self) -> str:
        return f"SecretValue({HIDDEN})"

    def __str__(self) -> str:
        return HIDDEN

    def __format__(self, spec: str) -> str:
        return HIDDEN

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SecretValue):
            return NotImplemented
        mine, theirs = (value.encode("utf-8", "surrogatepass") for value in (self.__clear, other.reveal()))
        return hmac.compare_digest(mine, theirs)

    def __copy__(self) -> SecretValue:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> SecretValue:
        return self

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError(
            "A secret value is not pickled: it would land in a file or in another process. Pass its reference "
            "and resolve that where the secret is used."
        )

    def __getstate__(self) -> NoReturn:
        raise TypeError("A secret value has no state to save. Pass its reference instead.")
