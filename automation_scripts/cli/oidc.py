"""`automation login --oidc`: the settings of the provider, and the way through its browser page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from automation_scripts.governance.identity.oidc import OidcSettings
    from automation_scripts.governance.identity.records import Principal
    from automation_scripts.governance.identity.store import IdentityStore
    from automation_scripts.settings import Settings


def proved_by_provider(settings: Settings, store: IdentityStore) -> Principal:
    """Let a person log in at the provider, and find the user that is linked to it.

    Raises:
        ConfigurationError: `governance.oidc` is missing, or the provider cannot be used.
        CredentialRefused: the login did not succeed, or no user is linked to it.
    """
    from automation_scripts.cli.administration import source
    from automation_scripts.governance.identity.oidc_login import log_in

    provider = _provider(settings)
    found = log_in(provider, _open_browser, clock=store.now)
    return store.external.authenticate(found, provider.rules, source=source())


def _provider(settings: Settings) -> OidcSettings:
    from automation_scripts.errors import ConfigurationError
    from automation_scripts.governance.encryption.references import require_reference, resolve_reference
    from automation_scripts.governance.identity.external import GroupMap
    from automation_scripts.governance.identity.oidc import OidcSettings

    wanted = settings.governance.oidc
    if wanted is None:
        raise ConfigurationError(
            "--oidc: the settings name no provider. Write `issuer` and `client_id` under `governance.oidc`."
        )
    secret = None
    if wanted.client_secret is not None:
        reference = require_reference(wanted.client_secret, "governance.oidc.client_secret")
        secret = resolve_reference(reference).reveal()
    return OidcSettings(
        issuer=wanted.issuer,
        client_id=wanted.client_id,
        client_secret=secret,
        scopes=tuple(wanted.scopes),
        user_claim=wanted.user_claim,
        groups_claim=wanted.groups_claim,
        rules=GroupMap(dict(wanted.groups), wanted.provision),
        trust_mfa=wanted.trust_mfa,
    )


def _open_browser(address: str) -> None:
    import webbrowser

    from automation_scripts.cli.users_common import said

    said("Log in with the browser. If none opens, open this address in one on this machine:")
    said(address)
    webbrowser.open(address)
