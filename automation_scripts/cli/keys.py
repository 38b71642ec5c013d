"""`automation keys` and `tls`: the keys that seal what is stored, and certificates for development."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from automation_scripts.cli.audit_common import FORMAT, OTP, AuditFormat

if TYPE_CHECKING:
    from automation_scripts.governance.encryption.vault import KekUse
    from automation_scripts.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the groups to the application."""
    keys = typer.Typer(help="The keys that seal what is stored.", no_args_is_help=True)
    keys.command("status")(status)
    keys.command("rotate")(rotate)
    keys.command("rewrap")(rewrap)
    keys.command("retire")(retire)
    app.add_typer(keys, name="keys")
    tls = typer.Typer(help="Certificates for development.", no_args_is_help=True)
    tls.command("init")(tls_init)
    app.add_typer(tls, name="tls")


def status(output_format: AuditFormat = FORMAT) -> None:
    """List the key-encryption keys (KEKs), and how many data keys hang on each. Makes no key.

    Exit code 1 when a KEK is missing that data keys hang on: what they seal cannot be read.

    Examples:

        automation keys status

        automation keys status --format json
    """
    from dataclasses import asdict

    from automation_scripts.cli.console import print_json, stdout, table
    from automation_scripts.cli.keks import kek_uses
    from automation_scripts.settings import load_settings

    found = kek_uses(load_settings())
    if output_format is AuditFormat.JSON:
        print_json([asdict(use) for use in found])
    elif found:
        rows = [(use.kek_id, str(use.data_keys), _state(use)) for use in found]
        stdout().print(table(("key-encryption key", "data keys", "state"), rows, right=("data keys",)))
    else:
        typer.echo("There is no key yet; the first value that is sealed makes one.")
    if any(not use.available for use in found):
        raise typer.Exit(1)


def rotate(otp: str | None = OTP) -> None:
    """Make a new key-encryption key in the keyring; new data keys hang on it from now on.

    What was sealed stays readable with the old one. `automation keys rewrap` moves the data keys to the new one, and then
    `automation keys retire OLD` removes the old one.

    Example:

        automation keys rotate --otp 123456
    """
    from automation_scripts.cli.authority import authorised
    from automation_scripts.governance.encryption.file_keys import FileKeys
    from automation_scripts.governance.encryption.opened import KEYRING
    from automation_scripts.settings import load_settings

    settings = load_settings()
    _require_keyring(settings)
    with authorised(settings, "keys rotate", otp) as work:
        new = FileKeys(settings.home / KEYRING).rotate()
        work.record("keys.rotate", new)
    typer.echo(f"{new} is the current key. Back up {settings.home / KEYRING} apart from the database, and then:")
    typer.echo("automation keys rewrap")


def rewrap(otp: str | None = OTP) -> None:
    """Wrap all data keys under the current key-encryption key. What they seal is left as it is.

    May be interrupted and started again at any time.

    Example:

        automation keys rewrap --otp 123456
    """
    from automation_scripts.cli.authority import authorised
    from automation_scripts.cli.keks import kek_uses, require_no_missing_keyring
    from automation_scripts.cli.quantities import counted
    from automation_scripts.governance.opened import open_vault
    from automation_scripts.settings import load_settings

    settings = load_settings()
    require_no_missing_keyring(settings)
    with authorised(settings, "keys rewrap", otp) as work:
        vault = open_vault(settings)
        done, current = vault.rewrap(), vault.keys.current()
        work.record("keys.rewrap", current, data_keys=done)
    typer.echo(f"{counted(done, 'data key')} rewrapped under {current}.")
    if left := [use.kek_id for use in kek_uses(settings) if not use.current and not use.data_keys]:
        typer.echo(f"Nothing hangs on {', '.join(left)} any more: automation keys retire {left[0]}")


def retire(
    kek: str = typer.Argument(..., metavar="KEK", help="A key of `automation keys status`."), otp: str | None = OTP
) -> None:
    """Remove an old key-encryption key for good. Refused while it is current or a data key hangs on it.

    Backups of the database from before the rewrapping cannot be read without it: keep a copy as long as you keep those.

    Example:

        automation keys retire kek-0123456789abcdef --otp 123456
    """
    from automation_scripts.cli.authority import authorised
    from automation_scripts.cli.console import printable
    from automation_scripts.cli.keks import require_no_missing_keyring
    from automation_scripts.governance.opened import open_vault
    from automation_scripts.settings import load_settings

    settings = load_settings()
    require_no_missing_keyring(settings)
    with authorised(settings, "keys retire", otp, resource=kek) as work:
        left_to_do = open_vault(settings).retire(kek)
        work.record("keys.retire", kek)
    typer.echo(printable(left_to_do or f"{kek} is removed."))


def tls_init(otp: str | None = OTP) -> None:
    """Make, or renew, a certification authority of your own and a certificate for this machine, for development.

    The authority can certify localhost, 127.0.0.0/8 and ::1 only. Its certificate lasts two years, the server's 90 days;
    run this again to renew them.

    Example:

        automation tls init
    """
    from automation_scripts.cli.authority import authorised
    from automation_scripts.cli.console import printable
    from automation_scripts.governance.encryption.development_ca import DevelopmentCA
    from automation_scripts.settings import load_settings

    settings = load_settings()
    folder = settings.home / "tls"
    with authorised(settings, "tls init", otp) as work:
        files = DevelopmentCA(folder).ensure()
        work.record("tls.init", str(folder))
    for line in (
        f"authority  {files.ca}",
        f"server     {files.server} (certificate and key; mode 0600)",
        "Use them on this machine only:",
        f"  uvicorn APP --ssl-certfile {files.server} --ssl-keyfile {files.server}",
        f"  curl --cacert {files.ca} https://localhost:8443/",
        f"  SSL_CERT_FILE={files.ca} COMMAND   (Python; in place of the public authorities, so for one command only)",
    ):
        typer.echo(printable(line))


def _require_keyring(settings: Settings) -> None:
    """Refuse to rotate what is not in the keyring: says how it is done. Raises InvalidParameters."""
    from automation_scripts.cli.keks import require_no_missing_keyring
    from automation_scripts.errors import InvalidParameters
    from automation_scripts.governance.encryption.environment_keys import EnvironmentKeys
    from automation_scripts.governance.encryption.key_variables import CURRENT, PREVIOUS

    if settings.governance.kms_key:
        raise InvalidParameters(
            "keys rotate: the key is in AWS KMS (governance.kms_key), which rotates it. For another key, change the setting and "
            "run `automation keys rewrap`."
        )
    if EnvironmentKeys.configured():
        raise InvalidParameters(
            f"keys rotate: the key comes from {CURRENT}. Move it to {PREVIOUS}, set {CURRENT} to a new one (`openssl rand -base64 "
            "32`), restart what uses it, and run `automation keys rewrap`."
        )
    require_no_missing_keyring(settings)


def _state(use: KekUse) -> str:
    if not use.available:
        return "missing: put it back from your backup of the keys"
    if use.current:
        return "current"
    return "old" if use.data_keys else "old, may be retired"
