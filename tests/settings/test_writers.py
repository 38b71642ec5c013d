"""Who else may write to a settings file: nobody whom its owner does not share everything with."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from automation_scripts.settings import SettingsError, load_settings
from automation_scripts.settings.writers import open_to_others

pytestmark = pytest.mark.skipif(os.name != "posix", reason="file modes")
ME, MY_GROUP = os.geteuid(), os.getegid()


@pytest.mark.parametrize(
    ("mode", "owner", "group", "told"),
    [
        (0o644, ME, MY_GROUP, ""),
        (0o600, ME + 1, MY_GROUP + 1, ""),
        (0o664, ME, MY_GROUP, ""),
        (0o664, ME, MY_GROUP + 1, f"the group {MY_GROUP + 1} may"),
        (0o664, ME + 1, MY_GROUP, f"the group {MY_GROUP} may"),
        (0o664, ME + 1, MY_GROUP + 1, "the group"),
        (0o646, ME, MY_GROUP, "everybody"),
        (0o666, ME, MY_GROUP, "everybody"),
        (0o602, ME + 1, MY_GROUP + 1, "everybody"),
    ],
)
def test_who_may_write(mode: int, owner: int, group: int, told: str) -> None:
    said = open_to_others(os.stat_result((0o100000 | mode, 0, 0, 1, owner, group, 0, 0, 0, 0)))
    assert said.startswith(told) and bool(said) == bool(told)
    assert ("chmod go-w" in said) == bool(told)


def test_a_settings_file_that_others_may_write_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("governance: {local_use: false}\n")
    path.chmod(0o666)
    with pytest.raises(SettingsError, match=r"config\.yaml.*everybody on this machine may write to it; run chmod go-w"):
        load_settings(path, {})
    path.chmod(0o664)
    assert not load_settings(path, {}).governance.local_use
    monkeypatch.setattr(os, "getegid", lambda: path.stat().st_gid + 1)
    with pytest.raises(SettingsError, match="the group"):
        load_settings(path, {})


def test_of_a_link_the_file_behind_it_counts(tmp_path: Path) -> None:
    real, link = tmp_path / "real.yaml", tmp_path / "config.yaml"
    real.write_text("{}")
    link.symlink_to(real)
    load_settings(link, {})
    real.chmod(0o666)
    with pytest.raises(SettingsError, match="everybody"):
        load_settings(link, {})
