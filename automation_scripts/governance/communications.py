"""Whether what leaves this machine is encrypted and goes to whom it should: `automation.security.encrypt_communications`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from automation_scripts.errors import ConfigurationError
from automation_scripts.governance.encryption.secure_urls import require_secure_url

if TYPE_CHECKING:
    from automation_scripts.settings import Settings

SETTING = "automation.security.encrypt_communications"


def check_communications(settings: Settings, environ: Mapping[str, str] | None = None) -> None:
    """Refuse to go on where an address of the settings would be used in clear or unchecked. Looks up and connects to nothing.

    Raises ConfigurationError that names every such setting, what to write instead, and how to switch this off.
    """
    if faults := list(insecure(settings, environ)):
        raise ConfigurationError(
            f"{' '.join(faults)} `{SETTING}: false` in the settings file switches this check off, where the network itself "
            "is trusted."
        )


def insecure(settings: Settings, environ: Mapping[str, str] | None = None) -> Iterator[str]:
    """What is wrong with each address that does not do, in words; nothing while the setting is off.

    `environ` stands in for the variables of this process: libpq and boto3 take addresses from them.
    """
    if not settings.automation.security.encrypt_communications:
        return
    for url, what in _addresses(settings, os.environ if environ is None else environ):
        try:
            require_secure_url(url, what)
        except ConfigurationError as fault:
            yield str(fault)


def _addresses(settings: Settings, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if settings.prefect.api_url is not None:
        yield settings.prefect.api_url, "the Prefect API (prefect.api_url, or PREFECT_API_URL)"
    yield _as_connected(settings.history_url, environ), "the run history (history.url)"
    yield _as_connected(settings.governance_url, environ), "the governance database (governance.url)"
    yield _as_connected(settings.audit_url, environ), "the audit log (governance.audit_url)"
    services = []
    if any(anchor.s3 for anchor in settings.governance.anchors):
        services.append(("AWS_ENDPOINT_URL_S3", "the anchors in S3"))
    if settings.governance.kms_key:
        services.append(("AWS_ENDPOINT_URL_KMS", "the keys in KMS"))
    for variable, what in services:
        name = variable if environ.get(variable) else "AWS_ENDPOINT_URL"
        if url := environ.get(name):
            yield url, f"{what} (environment variable {name})"


def _as_connected(url: str, environ: Mapping[str, str]) -> str:
    """The hosts and options of a PostgreSQL URL as the driver will have them, in one unmistakable form.

    SQLAlchemy divides odd URLs in other places than RFC 3986 does (`//localhost:1/x@elsewhere`), and libpq adds hosts from
    the environment to those that are written.
    """
    if not url.startswith("postgres"):
        return url
    from sqlalchemy import exc, make_url

    try:
        parsed = make_url(url)
    except (exc.ArgumentError, ValueError):
        return url
    query = [(name, value) for name, values in parsed.normalized_query.items() for value in values]
    named = bool(parsed.host) or any(name == "host" for name, _ in query)
    # A service may name a host too, in a file that can change.
    for variable, option in (("PGHOSTADDR", "hostaddr"), ("PGHOST", "host"), ("PGSERVICE", "service")):
        if (value := environ.get(variable)) and not (option == "host" and named):
            query.append((option, value))
    host = f"[{parsed.host}]" if parsed.host and ":" in parsed.host else quote(parsed.host or "", safe=",")
    return f"{parsed.drivername}://{host}/?{urlencode(query)}"
