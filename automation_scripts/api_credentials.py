"""Credentials in the headers of a request that creates a run.

The Prefect API knows no users. A client that creates a run through the embedded server may send a token (and a one-time
code) in headers. They are checked here, taken out of the request, and replaced by a run ticket: good for exactly this
run, once, for five minutes. So no token gets into Prefect's database.

    X-Automation-Token: a login token or a service token
    X-Automation-OTP: a one-time or recovery code
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx

from automation_scripts import catalog
from automation_scripts.errors import AccessDenied, AutomationError, InvalidParameters, UnknownScript
from automation_scripts.execution.admission import entry_of
from automation_scripts.execution.request import Trigger, resolve
from automation_scripts.governance.credentials import Presented
from automation_scripts.governance.opened import open_gate
from automation_scripts.server.app import Application, Message, Receive, Scope, Send, read_body, replayed
from automation_scripts.settings import load_settings

TOKEN_HEADER = b"x-automation-token"
CODE_HEADER = b"x-automation-otp"


def with_credentials(application: Application) -> Application:
    """Wrap Prefect's application so that the headers become a ticket in the parameters of the run."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ())) if scope["type"] == "http" else {}
        creates = scope.get("method") == "POST" and str(scope.get("path", "")).endswith("/create_flow_run")
        if TOKEN_HEADER not in headers and CODE_HEADER not in headers:
            await application(scope, receive, send)
            return
        scope["headers"] = [pair for pair in scope["headers"] if pair[0] not in (TOKEN_HEADER, CODE_HEADER)]
        if not creates:
            await application(scope, receive, send)
            return
        body = await read_body(receive)
        given = Presented(token=_text(headers, TOKEN_HEADER), code=_text(headers, CODE_HEADER))
        try:
            authorization = headers.get(b"authorization", b"").decode("latin-1")
            body = await _with_ticket(application, str(scope["path"]), body, given, authorization)
        except AutomationError as refusal:
            await _refuse(send, str(refusal))
            return
        await application(scope, replayed(scope, body, receive), send)

    return wrapped


async def _with_ticket(application: Application, path: str, body: bytes, given: Presented, authorization: str) -> bytes:
    """The body with a ticket in it; as it is when no run can be made of it, which Prefect or the run itself will say.

    Raises AccessDenied when the credential is not good, or cannot be turned into a ticket: it must not be dropped.
    """
    try:
        asked = json.loads(body or b"{}")
        parameters = asked.setdefault("parameters", {})
        deployment, script_name = await _deployment(application, path.rsplit("/", 2)[-2], authorization)
        merged = {**deployment["parameters"], **parameters}
        context = merged.pop("context", None) or {}
        settings = await asyncio.to_thread(load_settings)
        request = resolve(catalog.get(script_name), merged, context, Trigger.API, settings)
    except (ValueError, AttributeError, KeyError, TypeError, InvalidParameters, UnknownScript):
        return body
    except httpx.HTTPStatusError as error:
        if error.response.status_code in (401, 404):
            return body  # Prefect says the same to the request itself
        raise AccessDenied(f"No run ticket could be made: Prefect answered {error.response.status_code}.") from error
    gate = await asyncio.to_thread(open_gate, settings)
    ticket = await asyncio.to_thread(gate.ticket, entry_of(request), given)
    # All of the context that the hash of the ticket is made of is written out: the user and the request are filled in now.
    parameters["context"] = {**context, "credential": ticket}
    return json.dumps(asked).encode()


async def _deployment(application: Application, identifier: str, authorization: str) -> tuple[dict[str, Any], str]:
    """The deployment, and the name of its flow, which is that of the script."""
    transport = httpx.ASGITransport(app=application)
    headers = {"authorization": authorization} if authorization else {}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1/api", headers=headers) as client:
        deployment = (await client.get(f"/deployments/{identifier}")).raise_for_status().json()
        flow = (await client.get(f"/flows/{deployment['flow_id']}")).raise_for_status().json()
    return deployment, str(flow["name"])


async def _refuse(send: Send, message: str) -> None:
    body = json.dumps({"detail": message}).encode()
    start: Message = {
        "type": "http.response.start",
        "status": 403,
        "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())],
    }
    await send(start)
    await send({"type": "http.response.body", "body": body})


def _text(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    return headers[name].decode("latin-1").strip() or None if name in headers else None
