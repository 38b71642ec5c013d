"""Sealing and opening with the keys of a provider and of the key store."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from automation_scripts.errors import InvalidParameters
from automation_scripts.governance.encryption import envelopes
from automation_scripts.governance.encryption.contexts import Context, joined
from automation_scripts.governance.encryption.envelopes import DataKey
from automation_scripts.governance.encryption.key_store import KekRetired, KeyStore, Shredding, StoredKey
from automation_scripts.governance.encryption.providers import KeyProvider, refuse_current
from automation_scripts.governance.encryption.unreadable import KeyMissing, Shredded, ShreddedData
from automation_scripts.storage.times import now, utc

LIFE = timedelta(days=1)
"""How long a data key seals; it opens for ever."""
SKEW = timedelta(minutes=5)
"""By which the clocks of two machines may differ without each making keys of its own."""

_RESERVED = 1 << 16
_CACHED = 1024
_REWRAPPED_AT_ONCE = 100
_PSEUDONYM_KEY = "0" * 32
_PSEUDONYM_OWNER = "pseudonyms"


@dataclass(slots=True)
class _Reservation:
    key: DataKey
    created_at: datetime
    messages: int


@dataclass(frozen=True, slots=True)
class KekUse:
    """A KEK and what hangs on it."""

    kek_id: str
    data_keys: int
    current: bool
    available: bool
    """Whether it is here; if it is not, nothing that hangs on it can be read."""


class Vault:
    """Seals and opens values. Safe for threads, forks, and several processes on one key store.

    The last 1,024 keys in clear are kept in memory. Those of data subjects are used only after a look whether they
    still exist, so that a shredding counts at once in every process.
    """

    def __init__(self, keys: KeyProvider, store: KeyStore, clock: Callable[[], datetime] = now) -> None:
        self.keys = keys
        self.store = store
        self._clock = clock
        self._lock = threading.RLock()
        self._forget_keys()
        if hasattr(os, "register_at_fork"):
            _renew_in_children(self)

    def seal(self, plaintext: bytes, context: Context, subject: str | None = None) -> bytes:
        """An envelope that opens with the same context only.

        Args:
            plaintext: the value.
            context: what it belongs to.
            subject: the person whom it is about; `shred` makes it unreadable.

        Raises ConfigurationError when no key can be had.
        """
        return envelopes.seal(self.sealing_key(subject), plaintext, context)

    def open(self, envelope: bytes, context: Context) -> bytes:
        """What was sealed.

        Raises Unreadable for an altered envelope or another context, KeyMissing when a key is not here, and
        ShreddedData when it was destroyed on purpose.
        """
        return envelopes.open_envelope(self.opening_key(envelopes.key_id_of(envelope)), envelope, context)

    def open_or_shredded(self, envelope: bytes, context: Context) -> bytes | Shredded:
        """Like `open`, but with a marker in place of what was destroyed on purpose."""
        try:
            return self.open(envelope, context)
        except ShreddedData as error:
            return error.shredded

    def seal_text(self, text: str, context: Context, subject: str | None = None) -> str:
        """The text form of `seal`: begins with `enc:v1:`."""
        return envelopes.to_text(self.seal(text.encode("utf-8", "surrogatepass"), context, subject))

    def open_text(self, sealed: str, context: Context) -> str:
        """What `seal_text` was given; raises like `open`."""
        return self.open(envelopes.from_text(sealed), context).decode("utf-8", "surrogatepass")

    def pseudonym(self, value: str, domain: str = "") -> str:
        """`hmac:` and 64 hexadecimal digits (HMAC-SHA256) that are the same whenever value and domain are.

        Lets one search for a value that is not stored. Who has the keys can find out values that can be guessed.
        Rotation does not change it.
        """
        digest = hmac.new(self._pseudonym_key().secret, joined("value", domain, value), hashlib.sha256)
        return "hmac:" + digest.hexdigest()

    def sealing_key(self, subject: str | None = None) -> DataKey:
        """The data key to seal one more message with."""
        owner = self._owner(subject)
        with self._lock:
            held = self._sealing.get(owner)
            if held is None or not self._usable(held, owner):
                held = self._sealing[owner] = self._reserve(owner)
                self._sealing.move_to_end(owner)
                if len(self._sealing) > _CACHED:
                    self._sealing.popitem(last=False)
            held.messages -= 1
            return held.key

    def opening_key(self, key_id: str) -> DataKey:
        """The data key of that id; raises KeyMissing or ShreddedData."""
        known = self._known(key_id)
        if known is not None:
            return known
        stored = self.store.find(key_id)
        if isinstance(stored, Shredded):
            raise ShreddedData(stored)
        if stored is None:
            raise KeyMissing(
                f"The data key {key_id} is not in the key store {self.store.database.place}. "
                "Check that the governance URL names the store that it was sealed with, or restore its backup."
            )
        return self._unwrapped(stored)

    def shred(self, subject: str, by: str, reason: str) -> Shredding:
        """Destroy the keys of a person: what was sealed for them can never be read again.

        Only a copy of the key store from before can bring it back, so backups of it must expire. On SQLite the keys
        are overwritten in the file and the write-ahead log is emptied; `remains` of the result says where copies
        may still be. Raises InvalidParameters without `by` or `reason`.
        """
        if not by.strip() or not reason.strip():
            raise InvalidParameters("An erasure needs who does it and why: both are kept in its record.")
        owner = self._owner(_named(subject))
        with self._lock:
            held = self._sealing.pop(owner, None)
            self._clear.pop(held.key.id if held else "", None)
        done = self.store.shred(owner, utc(self._clock()), by, reason)
        return dataclasses.replace(done, remains=self.store.wipe_log())

    def shreddings(self, subject: str | None = None) -> list[Shredding]:
        """The records of erasures, newest first; those of one person when given."""
        return self.store.shreddings(None if subject is None else self._owner(_named(subject)))

    def rewrap(self) -> int:
        """Wrap all data keys under the current KEK; what they seal is left as it is. Returns how many.

        May be interrupted and started again at any time, and others may seal and open meanwhile.
        """
        done, changes = 0, []
        for key in self.store.not_under(self.keys.current()):
            changes.append((key, self.keys.wrap(self.keys.unwrap(key.wrapped, key.binding), key.binding)))
            if len(changes) == _REWRAPPED_AT_ONCE:
                done, changes = done + self.store.rewrapped(changes), []
        return done + self.store.rewrapped(changes)

    def status(self) -> list[KekUse]:
        """How many data keys hang on each KEK; the current one first."""
        current, counts = self.keys.current(), self.store.keys_by_kek()
        others = sorted(counts.keys() - {current})
        return [
            KekUse(kek_id, counts.get(kek_id, 0), kek_id == current, self.keys.available(kek_id))
            for kek_id in (current, *others)
        ]

    def retire(self, kek_id: str) -> str:
        """Remove an old KEK; returns what a person must still do for that, or nothing.

        Raises ConfigurationError while it is current or a data key hangs on it, InvalidParameters when there is none.
        """
        refuse_current(kek_id, self.keys.current())
        if not self.keys.available(kek_id) and kek_id not in self.store.keys_by_kek():
            raise InvalidParameters(f"There is no key-encryption key {kek_id!r}. The status of the keys lists them.")
        # From here on no other process wraps a new data key under it.
        self.store.retire(kek_id, utc(self._clock()))
        return self.keys.forget(kek_id)

    def _owner(self, subject: str | None) -> str:
        if subject is None:
            return ""
        return hmac.new(self._pseudonym_key().secret, joined("subject", _named(subject)), hashlib.sha256).hexdigest()

    def _usable(self, held: _Reservation, owner: str) -> bool:
        age = utc(self._clock()) - held.created_at
        return held.messages > 0 and -SKEW <= age < LIFE and (not owner or self.store.exists(held.key.id))

    def _reserve(self, owner: str) -> _Reservation:
        at = utc(self._clock())
        kek_id = self.keys.current()
        stored = self.store.reserve(owner, kek_id, at - LIFE, at + SKEW, _RESERVED)
        if stored is not None:
            return _Reservation(self._unwrapped(stored), stored.created_at, _RESERVED)
        return _Reservation(self._made(envelopes.new_key_id(), owner, at, _RESERVED), at, _RESERVED)

    def _made(self, key_id: str, owner: str, at: datetime, messages: int) -> DataKey:
        secret, wrapped = self.keys.generate({"data_key": key_id, "owner": owner})
        try:
            stored = self.store.add(StoredKey(key_id, owner, at, wrapped), messages)
        except KekRetired:
            if wrapped.kek_id == self.keys.current():
                raise
            # Between the two lines above another process rotated the KEK and retired the one that was current.
            return self._made(key_id, owner, at, messages)
        return self._remembered(DataKey(key_id, secret), owner) if stored else self.opening_key(key_id)

    def _pseudonym_key(self) -> DataKey:
        known = self._known(_PSEUDONYM_KEY)
        if known is not None:
            return known
        stored = self.store.find(_PSEUDONYM_KEY)
        if isinstance(stored, StoredKey):
            return self._unwrapped(stored)
        # Of several processes that come here at once, the first one's is stored.
        return self._made(_PSEUDONYM_KEY, _PSEUDONYM_OWNER, utc(self._clock()), 0)

    def _known(self, key_id: str) -> DataKey | None:
        """The key as it is in memory, unless it was destroyed meanwhile."""
        with self._lock:
            key, owner = self._clear.get(key_id, (None, ""))
        if key is not None and owner and not self.store.exists(key_id):
            with self._lock:
                self._clear.pop(key_id, None)
            return None
        return key

    def _unwrapped(self, stored: StoredKey) -> DataKey:
        secret = self.keys.unwrap(stored.wrapped, stored.binding)
        return self._remembered(DataKey(stored.id, secret), stored.owner)

    def _remembered(self, key: DataKey, owner: str) -> DataKey:
        with self._lock:
            self._clear[key.id] = key, "" if owner == _PSEUDONYM_OWNER else owner
            self._clear.move_to_end(key.id)
            if len(self._clear) > _CACHED:
                self._clear.popitem(last=False)
        return key

    def _forget_keys(self) -> None:
        self._clear: OrderedDict[str, tuple[DataKey, str]] = OrderedDict()
        self._sealing: OrderedDict[str, _Reservation] = OrderedDict()


def _named(subject: str) -> str:
    if not subject:
        raise InvalidParameters("The id of the data subject is empty. Give the id under which their data was sealed.")
    return subject


def _renew_in_children(vault: Vault) -> None:
    """A forked child counts messages of its own, and finds no lock that a thread of its parent held."""
    import weakref

    reference = weakref.ref(vault)

    def renew() -> None:
        inherited = reference()
        if inherited is not None:
            inherited._lock = threading.RLock()
            inherited._sealing = OrderedDict()

    os.register_at_fork(after_in_child=renew)
