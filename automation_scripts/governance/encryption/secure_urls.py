"""Whether a URL may be used as it is: encrypted and checked, or not leaving this machine.

No name is looked up: what a name means may change between the check and the use. Only `localhost` and addresses in
their usual spelling count as this machine; the others (`127.1`, `0x7f000001`, `2130706433`) are read differently by different
programs.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from automation_scripts.errors import ConfigurationError

_SECURE_FORM = {
    "http": "https",
    "ws": "wss",
    "smtp": "smtps, or smtp+starttls",
    "redis": "rediss",
    "amqp": "amqps",
    "ldap": "ldaps",
    "ftp": "sftp or https",
    "grpc": "grpcs",
    "nats": "tls",
    "syslog": "syslog+tls",
}
_SECURE = frozenset(
    {"https", "wss", "smtps", "smtp+starttls", "rediss", "amqps", "ldaps", "sftp", "grpcs", "tls", "syslog+tls"}
)
_LOCAL_FILE = frozenset({"sqlite", "sqlite+pysqlite", "sqlite+aiosqlite", "file", "unix", "redis+socket"})
_POSTGRES = re.compile(r"postgres(?:ql)?(?:\+\w+)?")
_NO_CHECK = {
    "ssl_cert_reqs": ("none", "optional"),
    "ssl_check_hostname": ("false", "0", "no"),
    "verify": ("false", "0", "no"),
    "insecure": ("true", "1", "yes"),
}
_SUSPECT = re.compile(r"[\s\x00-\x20\x7f\\]")


@dataclass(frozen=True, slots=True)
class _Url:
    scheme: str
    hosts: tuple[str, ...]
    query: tuple[tuple[str, str], ...]

    @property
    def shown(self) -> str:
        """Without user, password, path and query, which may hold secrets."""
        return f"{self.scheme}://{','.join(self.hosts)}"


def require_secure_url(url: str, what: str) -> None:
    """Refuse a URL that would send data in clear, or to a server that is not checked, to another machine.

    Args:
        url: http, ws, smtp, redis, amqp, ldap, postgresql, sqlite and their encrypted forms.
        what: what it is for, such as "the webhook", for the message.

    Raises ConfigurationError with the form to use. PostgreSQL needs `sslmode=verify-full` unless the server is on this
    machine: the weaker modes do not check who answers.
    """
    parsed = _parsed(url, what)
    if parsed.scheme in _LOCAL_FILE:
        return
    unchecked = [name for name, value in parsed.query if value.lower() in _NO_CHECK.get(name.lower(), ())]
    if unchecked and not _stays_here(parsed):
        raise ConfigurationError(
            f"The URL of {what} ({parsed.shown}) turns the check of the certificate off with `{unchecked[0]}`. "
            "Take that out, and name the CA if it is your own."
        )
    if parsed.scheme in _SECURE or _stays_here(parsed):
        return
    if _POSTGRES.fullmatch(parsed.scheme):
        _require_verified(parsed, what)
        return
    form = _SECURE_FORM.get(parsed.scheme)
    if form is None:
        known = ", ".join(sorted(_SECURE | {"postgresql", "sqlite"}))
        raise ConfigurationError(f"The URL of {what} has the scheme {parsed.scheme!r}. Use one of: {known}.")
    raise ConfigurationError(
        f"The URL of {what} ({parsed.shown}) would send data in clear to another machine. Use {form}; "
        f"plain {parsed.scheme} is accepted for localhost, 127.0.0.1 and [::1] only."
    )


def is_loopback(host: str) -> bool:
    """Whether a host, as a URL gives it, is surely this machine: localhost, 127.0.0.0/8, ::1, or such mapped to IPv6."""
    if host.lower().removesuffix(".") == "localhost":
        return True
    if "%" in host:  # a zone, or a name that is spelt in a roundabout way
        return False
    try:
        address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_loopback


def _stays_here(url: _Url) -> bool:
    return bool(url.hosts) and all(host.startswith("/") or is_loopback(host) for host in url.hosts)


def _parsed(url: str, what: str) -> _Url:
    parts = None if _SUSPECT.search(url) or not url.isascii() else _split(url)
    if parts is None or not parts.scheme:
        raise ConfigurationError(
            f"The URL of {what} cannot be read: it has no scheme, or spaces, backslashes, or letters that a URL "
            "must encode. Write it as scheme://host:port/path."
        )
    scheme, query = parts.scheme.lower(), tuple(parse_qsl(parts.query, keep_blank_values=True))
    if scheme in _LOCAL_FILE:
        return _Url(scheme, (), query)
    hosts = _postgres_hosts(parts, query) if _POSTGRES.fullmatch(scheme) else _hosts(parts)
    if not hosts:
        raise ConfigurationError(f"The URL of {what} names no host. Write it as {scheme}://host:port/path.")
    return _Url(scheme, hosts, query)


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        if not _POSTGRES.fullmatch(parts.scheme):
            _ = parts.port  # raises for what is no number
    except ValueError:
        return None
    return parts


def _hosts(parts: SplitResult) -> tuple[str, ...]:
    return (parts.hostname,) if parts.hostname else ()


def _postgres_hosts(parts: SplitResult, query: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """libpq takes lists of hosts, in the query as well; a path, or nothing at all, is a Unix socket."""
    given = [parts.netloc.rpartition("@")[2]] + [value for name, value in query if name in ("host", "hostaddr")]
    hosts: list[str] = []
    for text in filter(None, given):
        for host in unquote(text).split(","):
            if host.startswith("/"):
                hosts.append(host)
            else:  # only a path is usually encoded; any other host in that form counts as another machine
                hosts.append(text if "%" in text else _without_port(host))
    if any(name == "service" for name, _ in query):
        hosts.append("service")  # its host is in a file elsewhere, so it counts as another machine
    return tuple(hosts) or ("/",)


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host if host.count(":") > 1 else host.partition(":")[0]


def _require_verified(url: _Url, what: str) -> None:
    modes = [value for name, value in url.query if name in ("sslmode", "ssl")]
    if modes and all(mode == "verify-full" for mode in modes):
        return
    raise ConfigurationError(
        f"The URL of {what} ({url.shown}) does not check the server. Add ?sslmode=verify-full, and "
        "&sslrootcert=/path/ca.pem when the CA is your own."
    )
