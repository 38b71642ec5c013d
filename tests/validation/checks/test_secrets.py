"""Hard-coded secrets: what is one, what only refers to one, and that none is ever shown."""

from __future__ import annotations

import base64
import json
import string
import zlib

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from automation_scripts.results import Severity
from automation_scripts.validation.documents.corpus import Corpus
from automation_scripts.validation.security.check import check_security
from automation_scripts.validation.security.secrets import find_secrets
from automation_scripts.validation.values.secret_words import (
    Name,
    Value,
    looks_random,
    masked,
    name_class,
    shown,
    value_class,
)
from automation_scripts.validation.values.token_formats import FORMATS, checksum_holds, find_tokens

from .marked import assert_marked, parsed

COMPOSE = """\
services:
  db:
    image: postgres:16
    environment:
      POSTGRES_PASSWORD: postgres                                # expect: secret-env
      POSTGRES_USER: app
      API_TOKEN: ${API_TOKEN}
      DB_PASSWORD_FILE: /run/secrets/db
      JWT_SECRET: my-very-own-secret                             # expect: secret-env
      SECRET_KEY: changeme                                       # expect: secret-env
      DATABASE_URL: postgres://app:hunter2hunter2@db:5432/app    # expect: secret-env
      CACHE_URL: redis://cache:6379/0
      TEMPLATE_URL: postgres://app:${DB_PASSWORD}@db/app
      MAX_TOKENS: "4096"
      PASSWORD_MIN_LENGTH: "12"
      MYSQL_RANDOM_ROOT_PASSWORD: "yes"
      TOKEN_URL: https://login.example.com/oauth/token
      PUBLIC_KEY: MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A
      SECRET_NAME: app-credentials
      EMPTY_PASSWORD: ""
  cache:
    image: redis:7
    environment:
      - MYSQL_ROOT_PASSWORD=hunter22                             # expect: secret-env
      - REDIS_PASSWORD=${REDIS_PASSWORD:?set it}
      - PASSPHRASE_PROMPT=true
    command: ["redis-server", "--requirepass", "abcdefgh"]       # expect: hardcoded-secret
    healthcheck:
      test: mysqladmin ping -h localhost -u root -phunter22      # expect: hardcoded-secret
"""

KUBERNETES = """\
apiVersion: v1
kind: Pod
metadata: {name: app}
spec:
  containers:
    - name: app
      image: app:1
      securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true}
      env:
        - name: DB_PASSWORD
          value: s3cr3t-value                    # expect: secret-env
        - name: API_KEY
          valueFrom: {secretKeyRef: {name: api, key: token}}
        - {name: LOG_LEVEL, value: info}
---
apiVersion: v1
kind: Secret
metadata: {name: db}
data:
  password: aHVudGVyMmh1bnRlcjI=                 # expect: hardcoded-secret
  username: YXBw
stringData:
  token: Zx8fKq2LmN4pRs7tVw9y                    # expect: hardcoded-secret
---
apiVersion: v1
kind: ConfigMap
metadata: {name: app}
data:
  application.properties: |
    server.port=8080
    spring.datasource.password=hunter22
    spring.datasource.url=jdbc:postgresql://db/app
---
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata: {name: sealed}
spec: {encryptedData: {password: AgBy3i4OJSWK+PiTySYZZA9rO43cGDEqAx8fKq2LmN4pRs7t}}
"""

SETTINGS = """\
smtp:
  user: mailer
  password: hunter22                             # expect: hardcoded-secret
  pass_through: true
aws:
  access_key_id: AKIAQWERTYUIOPASDFGH            # expect: hardcoded-secret
  secret_access_key: wJalrXUtnFEMIK7MDENGbPxRfiCYzzAbCdEfGhIj   # expect: hardcoded-secret
connection: "Server=db;Database=app;User=sa;Password=Hunter-22!;"   # expect: hardcoded-secret
headers:
  Authorization: Bearer 9f8e7d6c5b4a39281706f5e4d3c2b1a0   # expect: hardcoded-secret
hashed_password: $2b$12$KIXQ1v0sJ7h9tY0c8w5m1eYQJ3nL2pV6rT8uZ4xB7dF0gH2kM5oSa   # expect: hardcoded-secret
model: {eos_token: "</s>", pad_token: "<pad>"}
labels: {password: Password, forgot_password: "Forgot your password?"}
oauth: {client_secret: "{{ vault_client_secret }}", token_url: "https://x.example.com/token"}
ref: {password: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db"}
vault: {password: "vault:secret/data/db#password"}
files: {private_key: /etc/ssl/private/app.key, password: ./secrets/password.txt}
secret: app-credentials
key: primary
sort_key: created_at
token: ""
rules: {password: required|min:8}
"""

WORKFLOW = """\
permissions: {}
on: push
jobs:
  a:
    runs-on: ubuntu-24.04
    services:
      db: {image: "postgres:16", env: {POSTGRES_PASSWORD: postgres}}   # expect: hardcoded-secret
    env:
      TOKEN: ${{ secrets.TOKEN }}
      GH_TOKEN: ${{ github.token }}
    steps:
      - run: curl -u admin:hunter22xx https://x.example.com/          # expect: hardcoded-secret
      - run: curl -u "$USER:$PASSWORD" https://x.example.com/
      - run: deploy --token=Zx8fKq2LmN4pRs7tVw9y                       # expect: hardcoded-secret
      - run: deploy --token "$TOKEN"
      - uses: docker/login-action@0123456789abcdef0123456789abcdef01234567
        with: {username: bot, password: "${{ secrets.DOCKER }}"}
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [("compose.yaml", COMPOSE), ("app/settings.yaml", SETTINGS), (".github/workflows/ci.yml", WORKFLOW)],
)
def test_literal_secrets_are_found_and_references_are_not(name: str, text: str) -> None:
    assert_marked(check_security, text, name)


def test_secrets_of_kubernetes_objects() -> None:
    found = check_security([parsed(KUBERNETES, "app.yaml")])
    told = sorted((f.line, f.tags[0]) for f in found)
    # A comment inside a block scalar would be a part of it, so this one is counted by hand.
    assert told == [(11, "secret-env"), (20, "hardcoded-secret"), (23, "hardcoded-secret"), (31, "hardcoded-secret")]
    (embedded,) = [f for f in found if f.line == 31]
    assert (embedded.column, embedded.end_column) == (32, 40)


def test_placeholders_hashes_and_samples_weigh_less() -> None:
    found = {f.line: f.severity for f in check_security([parsed(COMPOSE, "compose.yaml")])}
    assert found[5] is Severity.HIGH and found[10] is Severity.LOW
    found = {f.line: f.severity for f in check_security([parsed(SETTINGS, "app/settings.yaml")])}
    assert found[11] is Severity.LOW
    sample = check_security([parsed("password: hunter22\n", "tests/fixtures/app.yaml")])
    assert [f.severity for f in sample] == [Severity.MEDIUM]
    pipeline = {f.line: f.severity for f in check_security([parsed(WORKFLOW, ".github/workflows/ci.yml")])}
    assert pipeline[7] is Severity.LOW and pipeline[14] is Severity.MEDIUM


def test_the_place_is_the_secret_itself() -> None:
    (finding,) = check_security(
        [parsed("services:\n  a:\n    image: a:1\n    environment:\n      - X_PASSWORD=hunter22\n", "compose.yaml")]
    )
    assert (finding.line, finding.column, finding.end_column) == (5, 20, 28)
    (finding,) = check_security([parsed('url: "https://bot:hunter22hunter22@x.example.com/"\n', "a.yaml")])
    assert (finding.line, finding.column, finding.end_column) == (1, 19, 35)


@pytest.mark.parametrize("kind", ["SealedSecret", "ExternalSecret"])
def test_ciphertext_is_no_secret(kind: str) -> None:
    text = f"apiVersion: x.io/v1\nkind: {kind}\nmetadata: {{name: a}}\nspec: {{password: hunter22hunter22}}\n"
    assert check_security([parsed(text, "a.yaml")]) == []


def test_files_encrypted_by_sops_are_no_secrets() -> None:
    text = "password: ENC[AES256_GCM,data:xyz,iv:abc,tag:def,type:str]\nsops: {mac: 'ENC[x]', version: 3.8.1}\n"
    assert check_security([parsed(text, "a.yaml")]) == []


def test_what_another_tool_fills_in_is_no_secret() -> None:
    text = "password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\ntoken: !Ref Token\nsecret: '{{resolve:secretsmanager:x}}'\n"
    assert check_security([parsed(text, "a.yaml")]) == []


@pytest.mark.parametrize(
    "name", ["locales/fr.yml", "i18n/en.json", "package-lock.json", "src/translations/messages.de.yaml"]
)
def test_translations_and_lock_files_are_not_judged_by_names(name: str) -> None:
    text = '{"password": "Passwort1", "secret": "geheim99"}' if name.endswith("json") else "password: Passwort1\n"
    assert check_security([parsed(text, name)]) == []


def test_schemas_describe_passwords_and_hold_none() -> None:
    text = """\
openapi: 3.0.0
info: {title: x, version: "1"}
paths: {}
components:
  schemas:
    Login: {type: object, properties: {password: {type: string, example: hunter22}, token: {type: string}}}
"""
    assert check_security([parsed(text, "openapi.yaml")]) == []


# ----- names and values ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    ["password", "DB_PASSWORD", "dbPassword", "db-password", "POSTGRES_PASSWORD_PROD", "admin.password", "smtp_pass", "DB_PW", "passphrase"],
)  # fmt: skip
def test_password_names(key: str) -> None:
    assert name_class(key) is Name.PASSWORD


@pytest.mark.parametrize(
    "key", ["api_key", "APIKEY", "clientSecret", "SECRET_KEY_BASE", "accessToken", "aws_secret_access_key", "jwt-secret", "signingKey"]
)  # fmt: skip
def test_token_names(key: str) -> None:
    assert name_class(key) is Name.TOKEN


@pytest.mark.parametrize(
    "key",
    [
        "password_file", "DB_PASSWORD_FILE", "secretName", "secret_name", "token_url", "TOKEN_TTL", "password_min_length", "max_tokens",
        "tokens", "passwords", "api_key_id", "public_key", "primary_key", "sort_key", "eos_token", "next_page_token", "require_password",
        "allow_empty_password", "reset_password", "compass", "bypass", "keyboard", "monkey", "passenger", "", "x" * 500,
    ],
)  # fmt: skip
def test_names_of_something_else(key: str) -> None:
    assert name_class(key) is None


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("password", "postgres", Value.LITERAL),
        ("password", "12345", Value.LITERAL),
        ("password", "p", Value.LITERAL),
        ("token", "1", None),
        ("password", "changeme", Value.PLACEHOLDER),
        ("password", "your-password", Value.PLACEHOLDER),
        ("password", "<password>", None),
        ("password", "********", None),
        ("password", "xxxx", None),
        ("password", "${PASSWORD}", None),
        ("password", "{{ password }}", None),
        ("password", "%(password)s", None),
        ("password", "$PASSWORD", None),
        ("password", "env:PASSWORD", None),
        ("password", "null", None),
        ("password", "true", None),
        ("password", "$2b$12$abcdefghijklmnopqrstuv", Value.HASHED),
        ("password", "$argon2id$v=19$m=65536", Value.HASHED),
        ("password", "Your password must be long", None),
        ("password", "密码", None),
        ("secret", "app-credentials", None),
        ("secret", "urn:k8s:secret:foo:data", None),
        ("token", "etcd-cluster-k8s", None),
        ("token", "Zx8fKq2LmN4pRs7tVw9y", Value.LITERAL),
        ("API_TOKEN", "my-own-token", Value.LITERAL),
        ("api_key", "header", None),
        ("token", "process.env.TOKEN", None),
        ("private_key", "/etc/ssl/key.pem", None),
        ("secret_key", "docs/keys/secret.md", None),
        ("access_token", "https://login.example.com/token", None),
        ("token", "", None),
    ],
)
def test_values(key: str, value: str, found: Value | None) -> None:
    assert value_class(key, value) is found


def test_random_looks_random_and_names_do_not() -> None:
    assert all(
        map(
            looks_random, ("Zx8fKq2LmN4pRs7tVw9y", "9f8e7d6c5b4a3928", "wJalrXUtnFEMI/K7MDENG+bPxRfiCY", "xKqPzRtWbYnM")
        )
    )
    assert not any(
        map(
            looks_random,
            (
                "db-credentials",
                "clientCredentials",
                "10.0.0.1:8080",
                "com.example.App",
                "v1.2.3",
                "short1",
                "two words",
            ),
        )
    )


# ----- token formats ---------------------------------------------------------------------------------------------

_SAMPLES = {
    "aws-access-key": "AKIA" + "QWERTYUIOPASDFGH",
    "github-token": "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6",
    "gitlab-token": "glpat-" + "aB3dE6gH9jK2mN5pQ8sT",
    "slack-token": "xoxb-" + "123456789012-123456789012-aB3dE6gH9jK2mN5pQ8sT1vW4",
    "google-api-key": "AIza" + "SyB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3h",
    "stripe-key": "sk_live_" + "aB3dE6gH9jK2mN5pQ8sT1vW4",
    "npm-token": "npm_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6",
    "jwt": "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiI5ODc2NTQzMiJ9" + ".TJVA95OrM7E2cBab30RMHrHDcEfxjoYZ",
    "slack-webhook": "https://hooks.slack.com/services/" + "T0AB3DE6G/B0HJK2MN5/aB3dE6gH9jK2mN5pQ8sT1vW4",
    "sendgrid-key": "SG." + "aB3dE6gH9jK2mN5pQ8sT1v" + "." + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6kL9nO2q",
    "vault-token": "hvs." + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7b",
    "digitalocean-token": "dop_v1_" + "0f1e2d3c4b5a69788796a5b4c3d2e1f0" * 2,
}


@pytest.mark.parametrize("name", sorted(_SAMPLES))
def test_known_formats_are_found_under_any_key(name: str) -> None:
    token = _SAMPLES[name]
    (found,) = find_tokens(f"prefix {token} suffix")
    assert (found.form.name, found.start, found.end) == (name, 7, 7 + len(token))
    (finding,) = check_security([parsed(f"anything: {token}\n", "a.yaml")])
    assert finding.rule_id == f"secret/{name}" and token not in json.dumps(finding.to_dict())


def test_private_keys_need_a_body() -> None:
    body = base64.b64encode(bytes(range(200))).decode()
    key = f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----"
    assert [t.form.name for t in find_tokens(key)] == ["private-key"]
    assert find_tokens("starts with -----BEGIN RSA PRIVATE KEY----- and so on") == []
    text = "tls:\n  key: |\n" + "".join(f"    {line}\n" for line in key.splitlines())
    (finding,) = check_security([parsed(text, "a.yaml")])
    assert (finding.line, finding.severity) == (3, Severity.CRITICAL)


def test_base64_hides_no_token_of_a_secret_object() -> None:
    hidden = base64.b64encode(f"token={_SAMPLES['github-token']}".encode()).decode()
    text = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\ndata:\n  app.conf: {hidden}\n"
    (finding,) = check_security([parsed(text, "a.yaml")])
    assert (finding.rule_id, finding.line) == ("secret/github-token", 5)


def test_examples_of_the_documentation_are_left_out() -> None:
    assert find_tokens("AKIAIOSFODNN7EXAMPLE") == []
    assert find_tokens("ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx") == []


def test_long_runs_cost_little() -> None:
    for piece in ("xoxb-", "eyJhbGci-", "a-", "sk-ant-", "mysql ", "curl ", "password", "${{", "hvs.", "x://"):
        find_tokens(piece * 40_000)
        find_secrets(Corpus([parsed(f"a: '{piece * 20_000}'\n", "a.yaml")]))
    assert {form.name for form in FORMATS}.issuperset(_SAMPLES)


# ----- nothing leaks ---------------------------------------------------------------------------------------------

_SECRET = st.text(alphabet=string.ascii_letters + string.digits + "-_!%+=.", min_size=8, max_size=40)
_PLACES = (
    "password: '{0}'\n",
    "services:\n  a:\n    image: a:1\n    environment:\n      - DB_PASSWORD={0}\n",
    "env:\n  - name: API_TOKEN\n    value: '{0}'\n",
    "url: 'https://user:{0}@x.example.com/'\n",
    "command: ['run', '--password', '{0}']\n",
    "script: |\n  export API_KEY='{0}'\n  deploy --token={0}\n",
    "conn: 'Server=a;Password={0};'\n",
    "apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\nstringData: {{token: '{0}'}}\n",
)


@given(secret=_SECRET, place=st.sampled_from(_PLACES))
def test_no_finding_ever_shows_a_secret(secret: str, place: str) -> None:
    assume(secret[2:8] not in place)
    # A word of the language can stand in the message itself, such as "placeholder"; no word has a digit in it.
    assume(any(character.isdigit() for character in secret[2:]))
    text = place.format(secret.replace("'", ""))
    for finding in check_security([parsed(text, "compose.yaml")]):
        told = json.dumps(finding.to_dict())
        assert secret not in told
        # Two characters and the length may be told, and no third one.
        assert secret[2:] not in told


def test_what_may_be_shown() -> None:
    assert masked("hunter22hunter") == "'hu…', 14 characters"
    assert masked("short") == "5 characters"
    assert shown("password", "hunter22hunter") == "('hu…', 14 characters)"
    assert shown("port", "8080") == "8080"
    assert "hunter22" not in shown("url", "https://u:hunter22@h/")


def _github_token(body: str) -> str:
    """A token with the checksum that the issuer would give it; made here, so that none stands in this file."""
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[digit] + digits
    return f"ghp_{body}{digits}"


def test_a_wrong_checksum_weighs_less() -> None:
    token = _github_token("Zx8fKq2LmN4pRs7tVw9yBc3dGh5jXa")
    assert checksum_holds(token) and not checksum_holds(token[:-1] + ("0" if token[-1] != "0" else "1"))
    (right,) = check_security([parsed(f"value: {token}\n", "a.yaml")])
    (wrong,) = check_security([parsed(f"value: {token[:-2]}00\n", "a.yaml")])
    assert (right.severity, wrong.severity) == (Severity.CRITICAL, Severity.HIGH)
    assert token[4:] not in right.message and "checksum" in wrong.message


def test_a_token_must_have_a_header_of_one() -> None:
    header = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode().rstrip("=")
    payload = base64.urlsafe_b64encode(b'{"sub":"shop-bot-42","role":"admin"}').decode().rstrip("=")
    (found,) = check_security([parsed(f"value: {header}.{payload}.c2lnbmF0dXJlLW9mLXRoaXM\n", "a.yaml")])
    assert found.rule_id == "secret/jwt"
    other = base64.urlsafe_b64encode(b'{"kind":"page-cursor-12"}').decode().rstrip("=")
    assert check_security([parsed(f"value: {other}.{payload}.c2lnbmF0dXJlLW9mLXRoaXM\n", "a.yaml")]) == []


@pytest.mark.parametrize("key", ["WEBPASSWORD", "sambapassword", "MYAPIKEY"])
def test_words_that_run_together(key: str) -> None:
    assert name_class(key) is not None


@pytest.mark.parametrize("key", ["nopassword", "resetpassword", "passwords", "passwordless"])
def test_words_about_passwords_that_run_together(key: str) -> None:
    assert name_class(key) is None


def test_an_address_is_no_secret_of_a_secret() -> None:
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {email: sa42@project.iam.example.com}\n"
    assert check_security([parsed(text, "a.yaml")]) == []


def test_a_folder_whose_name_only_begins_like_one_of_translations() -> None:
    assert check_security([parsed("password: hunter22\n", "language_features/a.yaml")])
    assert check_security([parsed("password: Kennwort22\n", "lang/de.yaml")]) == []
