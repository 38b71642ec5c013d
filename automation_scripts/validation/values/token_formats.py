"""Credentials that give themselves away by their own form, whatever key they stand under.

Each form is the issuer's documented one. Forms whose identifier alone is no secret (an AWS account's key id) are
still here when they only ever appear together with one.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from dataclasses import dataclass

from automation_scripts.results import Severity


@dataclass(frozen=True, slots=True)
class TokenFormat:
    """One issuer's credential: `pattern` has one group, the credential itself."""

    name: str
    title: str
    pattern: re.Pattern[str]
    severity: Severity = Severity.CRITICAL
    hint: str = ""
    """A text that every match contains, to skip the pattern cheaply."""


@dataclass(frozen=True, slots=True)
class Token:
    """A credential found in a text, as a half-open range of its characters."""

    start: int
    end: int
    form: TokenFormat
    is_certain: bool = True
    """False when the issuer's own checksum says that it never gave this one out."""


def _form(name: str, title: str, pattern: str, hint: str, severity: Severity = Severity.CRITICAL) -> TokenFormat:
    return TokenFormat(name, title, re.compile(rf"(?<![A-Za-z0-9_])({pattern})(?![A-Za-z0-9])"), severity, hint)


_HIGH = Severity.HIGH
FORMATS = (
    TokenFormat(
        "private-key",
        "private key",
        re.compile(r"(-----BEGIN (?:(?:RSA|EC|DSA|OPENSSH|ENCRYPTED|PGP) )?PRIVATE KEY(?: BLOCK)?-----)"),
        hint="PRIVATE KEY",
    ),
    _form("aws-access-key", "AWS access key id", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}", "A"),
    _form("github-token", "GitHub token", r"gh[pousr]_[A-Za-z0-9]{36,251}|github_pat_[A-Za-z0-9_]{22,255}", "_"),
    _form(
        "gitlab-token",
        "GitLab token",
        r"gl(?:pat|ptt|dt|rt|cbt|soat|ft|imt|agent)-[A-Za-z0-9_.-]{20,64}",
        "gl",
    ),
    _form(
        "slack-token",
        "Slack token",
        r"xox[abeoprs]-(?:[A-Za-z0-9]{1,60}-){0,6}[A-Za-z0-9]{10,80}|xapp-\d-[A-Za-z0-9-]{20,200}",
        "x",
    ),
    _form(
        "slack-webhook",
        "Slack webhook address",
        r"https://hooks\.slack\.com/(?:services|workflows)/T[A-Za-z0-9_]{6,20}/[A-Za-z0-9_]{6,20}/[A-Za-z0-9_]{16,40}",
        "hooks.slack.com",
        _HIGH,
    ),
    _form(
        "discord-webhook",
        "Discord webhook address",
        r"https://(?:\w+\.)?discord(?:app)?\.com/api/webhooks/\d{15,20}/[A-Za-z0-9_-]{60,100}",
        "webhooks/",
        _HIGH,
    ),
    _form(
        "teams-webhook",
        "Microsoft Teams webhook address",
        r"https://[\w-]+\.webhook\.office\.com/webhookb2/[0-9a-f-]{36}@[0-9a-f-]{36}/IncomingWebhook/[0-9a-f]{32}/[0-9a-f-]{36}",
        "webhook.office.com",
        _HIGH,
    ),
    _form(
        "jwt",
        "JSON Web Token",
        r"eyJ[A-Za-z0-9_-]{8,500}\.eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{10,1000}",
        "eyJ",
        _HIGH,
    ),
    _form("google-api-key", "Google API key", r"AIza[0-9A-Za-z_-]{35}", "AIza", _HIGH),
    _form(
        "google-oauth",
        "Google OAuth token or secret",
        r"ya29\.[0-9A-Za-z_-]{30,400}|GOCSPX-[0-9A-Za-z_-]{28}",
        "-",
    ),
    _form("stripe-key", "Stripe live key", r"(?:sk|rk)_live_[0-9A-Za-z]{16,247}", "_live_"),
    _form("stripe-test-key", "Stripe test key", r"(?:sk|rk)_test_[0-9A-Za-z]{16,247}", "_test_", Severity.MEDIUM),
    _form("stripe-webhook-secret", "Stripe webhook secret", r"whsec_[A-Za-z0-9+/=]{24,120}", "whsec_", _HIGH),
    _form("sendgrid-key", "SendGrid key", r"SG\.[\w-]{20,24}\.[\w-]{39,50}", "SG."),
    _form("mailgun-key", "Mailgun key", r"key-[0-9a-f]{32}", "key-", _HIGH),
    _form("npm-token", "npm token", r"npm_[A-Za-z0-9]{36}", "npm_"),
    _form("pypi-token", "PyPI token", r"pypi-AgEIcHlwaS5vcmc[\w-]{50,300}", "pypi-"),
    _form("docker-token", "Docker Hub token", r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,80}", "dckr_"),
    _form("vault-token", "HashiCorp Vault token", r"hv[sbr]\.[A-Za-z0-9_-]{24,300}", "hv"),
    _form("terraform-token", "Terraform Cloud token", r"[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,70}", "atlasv1"),
    _form("anthropic-key", "Anthropic key", r"sk-ant-[A-Za-z0-9]{1,20}-[\w-]{24,200}", "sk-ant-"),
    _form(
        "openai-key",
        "OpenAI key",
        r"sk-(?:proj|svcacct|admin)-[\w-]{20,250}|sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}",
        "sk-",
    ),
    _form("huggingface-token", "Hugging Face token", r"hf_[A-Za-z]{34}", "hf_"),
    _form("digitalocean-token", "DigitalOcean token", r"do[opr]_v1_[0-9a-f]{64}", "_v1_"),
    _form("shopify-token", "Shopify token", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}", "shp"),
    _form("square-token", "Square token", r"sq0(?:atp|csp)-[\w-]{22,43}", "sq0"),
    _form("telegram-token", "Telegram bot token", r"\d{8,10}:AA[\w-]{33}", ":AA"),
    _form("databricks-token", "Databricks token", r"dapi[0-9a-f]{32}", "dapi"),
    _form("newrelic-key", "New Relic key", r"NRAK-[A-Z0-9]{27}", "NRAK-", _HIGH),
    _form("grafana-token", "Grafana token", r"glsa_[A-Za-z0-9]{32}_[0-9a-fA-F]{8}|glc_[A-Za-z0-9+/=]{32,400}", "gl"),
    _form("linear-key", "Linear key", r"lin_api_[A-Za-z0-9]{40}", "lin_api_", _HIGH),
    _form("notion-token", "Notion token", r"ntn_[A-Za-z0-9]{40,80}", "ntn_", _HIGH),
    _form("airtable-token", "Airtable token", r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}", "pat", _HIGH),
    _form("postman-key", "Postman key", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}", "PMAK-", _HIGH),
    _form(
        "azure-storage-key",
        "Azure storage account key",
        r"(?<=AccountKey=)[A-Za-z0-9+/]{86}==",
        "AccountKey=",
    ),
    _form("age-key", "age secret key", r"AGE-SECRET-KEY-1[0-9A-Z]{58}", "AGE-SECRET-KEY-"),
    _form(
        "doppler-token",
        "Doppler token",
        r"dp\.(?:pt|st|ct|scim|audit)\.(?:[\w-]+\.)?[A-Za-z0-9]{40,44}",
        "dp.",
    ),
)

_DOCUMENTED = re.compile(r"EXAMPLE|example|xxxx|XXXX|0{8,}|1234567890abcdef|abcdefghij|\.{3}|\*{3}")


def find_tokens(text: str) -> list[Token]:
    """Every credential in `text`, leftmost first; the ones that documentation uses as examples are left out."""
    found: list[Token] = []
    if len(text) < 16:
        return found
    for form in FORMATS:
        if form.hint not in text:
            continue
        for match in form.pattern.finditer(text):
            start, end = match.span(1)
            if _DOCUMENTED.search(match[1]) or any(t.start < end and start < t.end for t in found):
                continue
            # A key's header without a body is documentation or a template.
            if form.name == "private-key" and not _has_key_body(text, end):
                continue
            if form.name == "jwt" and not _is_signed_token(match[1]):
                continue
            certain = form.name not in _CHECKSUMMED or checksum_holds(match[1])
            found.append(Token(start, end, form, certain))
    return sorted(found, key=lambda token: token.start)


_CHECKSUMMED = ("github-token", "npm-token")
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def checksum_holds(token: str) -> bool:
    """Whether the last six characters are the CRC-32 of the thirty before, in base 62, as GitHub and npm write it.

    True for forms without one, such as `github_pat_`.
    """
    body = token.partition("_")[2]
    if len(body) != 36 or not body.isalnum():
        return True
    number, digits = zlib.crc32(body[:30].encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = _BASE62[digit] + digits
    return digits == body[30:]


def _is_signed_token(text: str) -> bool:
    """True when the first part is the header of a JSON Web Token, and the second not the one of the documentation."""
    header, payload = text.split(".")[:2]
    try:
        read = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    except (ValueError, RecursionError):
        return False
    is_header = isinstance(read, dict) and ("alg" in read or "enc" in read)
    return is_header and not payload.startswith(_DOCUMENTED_PAYLOAD)


# {"sub":"1234567890", as jwt.io shows it.
_DOCUMENTED_PAYLOAD = "eyJzdWIiOiIxMjM0NTY3ODkw"


def _has_key_body(text: str, start: int) -> bool:
    body = text[start : start + 4000].partition("-----END")[0].replace("\\n", "\n")
    letters = re.sub(r"[^A-Za-z0-9+/=]", "", body)
    return len(letters) >= 60 and len(set(letters)) >= 16
