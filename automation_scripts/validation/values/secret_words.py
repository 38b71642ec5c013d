"""Which keys name a secret, and which values are a literal one: names × value shape × entropy.

Everything here looks at one key and one value and knows nothing of files. The judgement errs towards silence for
values that only *refer* to a secret (a variable, a file, a vault path), and towards speech for literal passwords,
however weak: `postgres` is a password that everybody knows.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise

from automation_scripts.validation.values.formats import is_template
from automation_scripts.validation.values.word_lists import words


class Name(StrEnum):
    """What a key's name says about its value."""

    PASSWORD = "password"  # noqa: S105 (the name of a class of keys)
    """The value is a secret, whatever it looks like."""
    TOKEN = "token"  # noqa: S105
    """The value is a secret if it looks like one: such keys often hold a name or a reference."""


class Value(StrEnum):
    """What a value under a secret's name is."""

    LITERAL = "literal"
    PLACEHOLDER = "placeholder"
    """A literal text that asks to be replaced, `changeme`: harmless as documentation, fatal when deployed."""
    HASHED = "hashed"
    """A password hash: not the secret itself, yet it can be attacked offline."""


_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_PASSWORD_NOUNS = words("password nouns")
_TOKEN_NOUNS = words("token nouns")
_KEY_OWNERS = words("key owners")
_NEUTRAL_ENDS = words("neutral ends")
# `random_root_password: yes`, `reset_password: true`, `min_password: 8`: a setting about passwords, not one.
_ABOUT = words("about passwords")
# Language models, parsers and paging have tokens of their own.
_OTHER_TOKENS = words("other tokens")


def words_of(key: str) -> list[str]:
    """The lower-case words of a key: `dbPassword`, `DB_PASSWORD` and `db-password` are all `db password`."""
    return list(_words_of(key))


@lru_cache(maxsize=20_000)
def _words_of(key: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORD.findall(key))


@lru_cache(maxsize=20_000)
def name_class(key: str) -> Name | None:
    """Whether a key names a secret; None when it names something else, or something *about* a secret."""
    if len(key) > 120:
        return None
    words = words_of(key)
    while len(words) > 1 and words[-1] in _NEUTRAL_ENDS:
        words.pop()
    if not words or any(word in _ABOUT for word in words[:-1]):
        return None
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if last in _PASSWORD_NOUNS or (last == "pw" and before) or (last == "word" and before == "pass"):
        return Name.PASSWORD
    # Words run together, as in WEBPASSWORD; `nopassword` and `resetpassword` are about one.
    if (glued := _GLUED.fullmatch(last)) and glued["before"] not in _ABOUT:
        return Name.PASSWORD if glued["password"] else Name.TOKEN
    if last == "token" and any(word in _OTHER_TOKENS for word in words[:-1]):
        return None
    if last in _TOKEN_NOUNS:
        return Name.TOKEN
    if last == "key" and before in _KEY_OWNERS:
        return Name.TOKEN
    if last == "auth" and before in ("neo4j", "basic", "4", "j"):
        return Name.TOKEN
    return None


_GLUED = re.compile(
    r"(?P<before>[a-z]{2,40}?)(?:(?P<password>password|passwd|passphrase)"
    r"|apikey|secretkey|accesskey|privatekey|authtoken|accesstoken|apitoken|clientsecret|appsecret)"
)
_NOT_A_SECRET = words("not a secret")
_REFERENCE = re.compile(
    r"^(?:arn:aws|projects/[^/]+/secrets/|vault:|secret/|ref\+|op://|env[:.]|file:|ssm:|ssm/|aws:|gcp:|azure:|k8s:|keyvault|required\b"
    r"|secretref:|secretsmanager|sm://|ENC\[|ENC\(|\{cipher\}|\{\w+\}\{?|!|lookup\(|data\.|var\.|local\.|module\.|process\.env"
    r"|os\.environ|secrets?\.\w+|vars?\.\w+|parameters?\.|\$\$|@Microsoft\.KeyVault|AQICA|vault_|resolve:"
    r"|-----BEGIN (?:PGP MESSAGE|CERTIFICATE|PUBLIC)|ssh-(?:rsa|ed25519|dss) |ecdsa-sha2|age1|-----END)",
    re.IGNORECASE,
)
_HASH = re.compile(
    r"^(?:\$(?:1|2[abxy]?|5|6|7|y|apr1|argon2\w*|pbkdf2\S*|scrypt|P|H)\$|\{(?:SSHA|SHA|SMD5|MD5|CRYPT|BCRYPT|PBKDF2|ARGON2)\w*\}"
    r"|pbkdf2|scrypt:|argon2|bcrypt|sha(?:1|256|512):|md5:)",
    re.IGNORECASE,
)
_PATH = re.compile(
    r"^(?:(?:\.{1,2}|~)?/|[A-Za-z]:[\\/]|\.[\\/])[\w.@%+ \\/-]*$"
    r"|^[\w./-]+\.(?:pem|key|crt|cer|p12|pfx|jks|json|ya?ml|txt|env|gpg|asc|properties|pub|keystore|conf)$"
    r"|^[\w.-]+(?:/[\w.-]+)+\.[a-z]{1,5}$",
    re.IGNORECASE,
)
_ASKS_TO_BE_REPLACED = re.compile(
    r"change[-_ ]?(?:me|it|this|in|before|your)?\b|changeme|replace|your[-_ ]?|\byour|insert|placeholder|dummy|fake"
    r"|example|sample|todo|fixme|fill[-_ ]?(?:me|in|this)|to[-_ ]be[-_ ]|put[-_ ]|(?:^|[-_ ])here$|redacted|notreal|not[-_ ]a[-_ ]real"
    r"|set[-_ ]me|^my[-_](?:secret|password|token|key)$|edit[-_ ]?me|foobar|^xxx|some[-_ ]?(?:secret|password|token|key)|asdf|lorem",
    re.IGNORECASE,
)
_BLANKED = re.compile(r"^[<\[({].*[>\])}]$|^[*xX.#_\-–—•?0 ]+$|\*{3}|x{4}|X{4}|\.\.\.|…|<[^<>]+>")
# GOOGLE_API_KEY_VAL, %kernel.secret%: names that a script puts a value for.
_NAMED_PLACE = re.compile(r"[A-Z]{2,}(?:_[A-Z]{2,}){1,8}|%[\w.]+%.*")
_CALL_OR_DOTTED = re.compile(r"^[\w.]+\(.*\)$|^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*){1,}$", re.DOTALL)


def value_class(key: str, value: str, name: Name | None = None) -> Value | None:
    """What the value under a secret's key is; None when it holds no secret text.

    Args:
        key: The key, which also tells environment variables (`DB_TOKEN`) from settings (`token`).
        name: `name_class(key)`, when the caller has it already.
    """
    name = name or name_class(key)
    value = value.strip()
    lowered = value.lower()
    if name is None or not value or len(value) > 4096 or lowered in _NOT_A_SECRET:
        return None
    if _HASH.match(value):
        return Value.HASHED
    if is_template(value) or _REFERENCE.match(value) or _BLANKED.search(value) or _is_named_place(key, value):
        return None
    if _is_prose(key, value) or _is_location(value) or (len(value) < 4 and (value.isdigit() or name is Name.TOKEN)):
        return None
    if _ASKS_TO_BE_REPLACED.search(value):
        return Value.PLACEHOLDER
    if name is Name.PASSWORD:
        return Value.LITERAL
    if words_of(value) == words_of(key) and key.upper() != key:
        return None
    if key.upper() == key and len(key) > 4:
        # An environment variable is the secret itself; settings in lower case often name one that stands elsewhere.
        return None if _CALL_OR_DOTTED.match(value) or value.isdigit() else Value.LITERAL
    return Value.LITERAL if looks_random(value) else None


def _is_named_place(key: str, value: str) -> bool:
    """Only a place that says again what the key says: `PASS_WORD` as a value is somebody's password."""
    if not _NAMED_PLACE.fullmatch(value):
        return False
    return value.startswith("%") or len(set(words_of(value)) & set(words_of(key))) >= 2


def _is_prose(key: str, value: str) -> bool:
    """Labels, help texts and translations: words with spaces, or the key's own name as a caption."""
    if "\n" in value:
        return True
    words = value.split()
    if len(words) >= 3 or (len(words) == 2 and all(re.fullmatch(r"[^\W\d_]+[.:?!]?", w) for w in words)):
        return True
    if key.upper() == key:
        return False
    # A caption: `password: Password`, `password: Mot`, `password: 密码`.
    caption = value.istitle() and value.isalpha() and value.lower() in words_of(key)
    return caption or (len(words) == 1 and not value.isascii() and value.isalpha())


def _is_location(value: str) -> bool:
    if _PATH.match(value):
        # A base64 text may begin with a slash too; a path has words between its slashes.
        return entropy(value) < 4.2 or value.count("/") > 2 or "." in value
    return "://" in value


def looks_random(value: str) -> bool:
    """True for a text that no person chose as a name: long, mixed, and of high entropy per character."""
    value = value.strip()
    if len(value) < 8 or re.search(r"\s", value):
        return False
    if _CALL_OR_DOTTED.match(value) or re.fullmatch(r"\d+(?:[.:/-]\d+)*|[\w.+-]+@[\w-]+(?:\.[\w-]+)+", value):
        return False
    if len(value) < 40 and _reads_as_name(value):
        return _is_mixed_case_noise(value)
    # host/image:tag, package@version
    if re.fullmatch(r"[\w.-]+/[\w./-]+(?:[:@][\w.-]+)?", value) and re.search(r"[a-z]{4,}", value) and len(value) < 60:
        return entropy(value) > 4.3
    has_digit, has_letter = re.search(r"\d", value), re.search(r"[A-Za-z]", value)
    if has_digit and has_letter:
        return entropy(value) >= 2.8
    return bool(re.search(r"[^\w.-]", value)) and entropy(value) >= 3.0


def _reads_as_name(value: str) -> bool:
    """Words and small numbers: `db-credentials`, `etcd-cluster-k8s`, `worker_pool_2`, `clientCredentials`."""
    parts = re.split(r"[-_./:]", value)
    if len(parts) == 1:
        return re.fullmatch(r"[A-Za-z]+\d{0,3}", value) is not None
    return all(re.fullmatch(r"[A-Za-z]+\d{0,3}|\d{1,4}|[A-Za-z]\d[A-Za-z]|v\d+|", part) for part in parts)


def _is_mixed_case_noise(value: str) -> bool:
    """`xKqPzRtWbYnM` against `clientCredentials`: noise changes case again and again."""
    switches = sum(a.islower() != b.islower() for a, b in pairwise(value) if a.isalpha() and b.isalpha())
    return len(value) >= 12 and switches >= len(value) / 3


def entropy(text: str) -> float:
    """Shannon entropy in bits per character."""
    total = len(text)
    return -sum(n / total * math.log2(n / total) for n in Counter(text).values()) if total else 0.0


def masked(value: str) -> str:
    """How a secret may be shown: its first 2 characters when that gives little away, and its length."""
    length = len(value)
    characters = f"{length} character{'s' if length != 1 else ''}"
    return f"'{value[:2]}…', {characters}" if length >= 8 and "\n" not in value[:2] else characters


def shown(key: str, value: str, limit: int = 80) -> str:
    """A value as it may appear in a message: masked under a secret's name, else shortened to `limit` characters."""
    from automation_scripts.validation.values.token_formats import find_tokens

    if name_class(key) or find_tokens(value) or re.search(r"://[^\s/@:]*:[^\s/@]+@", value):
        return f"({masked(value)})"
    value = " ".join(value.split())
    return value if len(value) <= limit else value[: limit - 1] + "…"
