"""The first administrator: made once, by whoever holds the one-time secret. There is no default password."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, delete, exc, insert, select

from automation_scripts.errors import AccessDenied, InvalidParameters
from automation_scripts.governance.identity.core import BOOTSTRAP_LOCK, Core
from automation_scripts.governance.identity.directory import ADMIN, FIRST_ADMIN, insert_user
from automation_scripts.governance.identity.models import facts, user_roles
from automation_scripts.governance.identity.passwords import PasswordHashing, check_password
from automation_scripts.governance.names import checked_name
from automation_scripts.storage.private_files import write_private

FILE = "bootstrap-secret"
_SECRET = "bootstrap_secret"  # noqa: S105  the name of a fact
_INSTALLATION = "installation"


class Bootstrap:
    """From an empty store to its first administrator."""

    def __init__(self, core: Core, folder: Path, hashing: PasswordHashing) -> None:
        self._core = core
        self._hashing = hashing
        self.path = folder / FILE

    def needed(self) -> bool:
        """True until the first administrator was made."""
        with self._core.database.read() as connection:
            return _fact(connection, FIRST_ADMIN) is None

    def secret(self) -> str:
        """A new one-time secret, which replaces an earlier one. It is also in the file `bootstrap-secret` (mode 0600).

        Only its hash is in the database. An interactive command passes it straight on: who may write to the state folder and
        the database is the owner of this installation. Raises AccessDenied when there is an administrator already.
        """
        text = "bootstrap_" + secrets.token_urlsafe(32)
        with self._core.database.write(lock=BOOTSTRAP_LOCK) as connection:
            _require_none(connection)
            connection.execute(delete(facts).where(facts.c.name == _SECRET))
            connection.execute(insert(facts).values(name=_SECRET, value=_digest(text)))
            write_private(self.path, text.encode() + b"\n")
        self._core.report("bootstrap.secret_made", self._core.now(), "")
        return text

    def create_first_admin(self, name: str, password: str, *, secret: str) -> None:
        """Make the first administrator, exactly once, whatever other processes do at the same time.

        Raises AccessDenied for a wrong secret or when there is one already, InvalidParameters for a bad name or password.
        """
        checked_name(name)
        check_password(password, user=name)
        with self._core.database.read() as connection:
            _require_secret(connection, secret)
        password_hash = self._hashing.hash(password)
        now = self._core.now()
        try:
            with self._core.database.write(lock=BOOTSTRAP_LOCK) as connection:
                _require_none(connection)
                _require_secret(connection, secret)
                insert_user(connection, name, now, password_hash=password_hash)
                connection.execute(insert(user_roles).values(user_name=name, role=ADMIN.role, environment=""))
                connection.execute(insert(facts).values(name=FIRST_ADMIN, value=name))
                connection.execute(delete(facts).where(facts.c.name == _SECRET))
        except exc.IntegrityError as error:
            raise InvalidParameters(f"user name {name!r} is taken. Choose another.") from error
        self.path.unlink(missing_ok=True)
        self._core.report("bootstrap.first_admin", now, name, by=name)


def installation_id(core: Core, make: Callable[[], str] = lambda: secrets.token_hex(16)) -> str:
    """The random id of this installation: tokens name it as their issuer, so those of another one are refused."""
    with core.database.read() as connection:
        found = _fact(connection, _INSTALLATION)
    if found is not None:
        return found
    with core.database.write(lock=BOOTSTRAP_LOCK) as connection:
        found = _fact(connection, _INSTALLATION)
        if found is None:
            found = make()
            connection.execute(insert(facts).values(name=_INSTALLATION, value=found))
    return found


def _fact(connection: Connection, name: str) -> str | None:
    return connection.execute(select(facts.c.value).where(facts.c.name == name)).scalar_one_or_none()


def _require_none(connection: Connection) -> None:
    if _fact(connection, FIRST_ADMIN) is not None:
        raise AccessDenied(
            "There is an administrator already; the one-time secret made one and is used up. Ask an administrator for an account."
        )


def _require_secret(connection: Connection, secret: str) -> None:
    _require_none(connection)
    expected = _fact(connection, _SECRET) or ""
    if not hmac.compare_digest(expected, _digest(secret)):
        raise AccessDenied(
            "The one-time secret is not the right one. It is in the file `bootstrap-secret` of the state folder; "
            "`automation users init --make-secret` makes a new one."
        )


def _digest(text: str) -> str:
    return hashlib.sha256(text.strip().encode("utf-8", "surrogatepass")).hexdigest()
