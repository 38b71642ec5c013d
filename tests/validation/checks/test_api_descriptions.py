"""OpenAPI and Swagger: operations without security, weak schemes, plain HTTP."""

from __future__ import annotations

from automation_scripts.results import Severity
from automation_scripts.validation.security.check import check_security

from .marked import assert_marked, parsed

OPEN = """\
openapi: 3.0.3
info: {title: x, version: "1"}
servers:
  - url: http://api.shop.io/v1                   # expect: unencrypted
  - url: http://localhost:8080
  - url: https://api.shop.io/v1
paths:                                           # expect: auth-off
  /orders: {get: {responses: {}}, post: {responses: {}}}
"""

PARTLY = """\
openapi: 3.1.0
info: {title: x, version: "1"}
paths:
  /login: {post: {responses: {}}}
  /orders:
    get: {responses: {}}
    post: {security: [{key: []}], responses: {}}
    delete: {responses: {}}                      # expect: auth-off
  /carts:
    put:
      security: []                               # expect: auth-off
      responses: {}
components:
  securitySchemes:
    key: {type: apiKey, name: k, in: header}
    query: {type: apiKey, name: k, in: query}    # expect: unencrypted
    basic: {type: http, scheme: basic}           # expect: auth-off
    bearer: {type: http, scheme: bearer}
    oauth:
      type: oauth2
      flows:
        implicit: {authorizationUrl: "https://x.io/a", scopes: {}}    # expect: auth-off
        authorizationCode: {authorizationUrl: "https://x.io/a", tokenUrl: "https://x.io/t", scopes: {}}
"""

SWAGGER = """\
swagger: "2.0"
info: {title: x, version: "1"}
host: api.shop.io
schemes: [https, http]                           # expect: unencrypted
security: [{login: []}]
securityDefinitions:
  login: {type: basic}                           # expect: auth-off
paths: {/a: {post: {responses: {}}}}
"""

SOUND = """\
openapi: 3.1.0
info: {title: x, version: "1"}
servers: [{url: "https://{region}.shop.io"}, {url: /v1}]
security: [{oauth: []}]
paths: {/orders: {post: {responses: {}}, get: {responses: {}}}}
components:
  securitySchemes:
    oauth: {type: oauth2, flows: {clientCredentials: {tokenUrl: "https://x.io/t", scopes: {}}}}
"""


def test_an_open_api_is_said_once() -> None:
    found = assert_marked(check_security, OPEN, "openapi.yaml")
    assert {f.severity for f in found if f.tags == ("auth-off",)} == {Severity.LOW}


def test_operations_and_schemes() -> None:
    assert_marked(check_security, PARTLY, "openapi.yaml")


def test_swagger() -> None:
    assert_marked(check_security, SWAGGER, "swagger.yaml")


def test_a_sound_description_is_silent() -> None:
    assert_marked(check_security, SOUND, "openapi.yaml")


def test_schemes_that_nothing_uses_weigh_more() -> None:
    text = SOUND.replace("security: [{oauth: []}]\n", "")
    (found,) = check_security([parsed(text, "openapi.yaml")])
    assert (found.line, found.severity) == (4, Severity.MEDIUM)
