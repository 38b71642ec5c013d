"""Which version of this package is installed."""

from __future__ import annotations


def installed_version() -> str:
    """The version; `0.0.0` where the code runs without being installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("automation-scripts")
    except PackageNotFoundError:
        return "0.0.0"
