"""Settings from a file and the environment: what they mean together, and all that can be wrong, at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from automation_scripts import catalog
from automation_scripts.catalog import Level
from automation_scripts.errors import ConfigurationError, InvalidParameters
from automation_scripts.settings import BaselineMultiple, Channel, LogLevel, SettingsError, load_settings
from automation_scripts.settings.document import read_document

SPECIFIED = """\
automation:
  max_concurrent_executions: 10
  default_timeout: 3600
  require_approval_for: ["production"]
  backup_before_changes: true
  rollback_on_failure: true
  notification_channels:
    - email
    - slack
    - webhook
  security:
    require_mfa: true
    audit_all_actions: true
    encrypt_communications: true
alerts:
  script_failure_rate:
    threshold: 5%
    window: "1h"
    severity: "critical"
  execution_time_anomaly:
    threshold: "2x_baseline"
    ml_detection: true
    severity: "warning"
"""
Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(text: str) -> Path:
        path = tmp_path / "config.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return to_file


def problems(path: Path | None, **environ: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings(path, environ)
    return [str(problem) for problem in caught.value.problems]


def test_the_specified_file_means_what_it_says(write: Write) -> None:
    settings = load_settings(write(SPECIFIED), {})
    automation = settings.automation
    assert automation.max_concurrent_executions == 10
    assert automation.default_timeout == 3600.0
    assert automation.require_approval_for == ("production",)
    assert automation.backup_before_changes is automation.rollback_on_failure is True
    assert automation.notification_channels == (Channel.EMAIL, Channel.SLACK, Channel.WEBHOOK)
    assert automation.security.require_mfa is automation.security.audit_all_actions is True
    assert automation.security.encrypt_communications is True
    assert settings.alerts.script_failure_rate.threshold == 0.05
    assert settings.alerts.script_failure_rate.window == 3600.0
    assert settings.alerts.script_failure_rate.severity == "critical"
    assert settings.alerts.execution_time_anomaly.threshold == BaselineMultiple(2.0)
    assert settings.alerts.execution_time_anomaly.ml_detection is True
    assert settings.alerts.execution_time_anomaly.severity == "warning"


def test_the_specified_variables_win_over_the_file(write: Write) -> None:
    path = write(SPECIFIED + "log: {level: ERROR}\nprefect: {api_url: 'http://a/api'}\n")
    settings = load_settings(
        environ={
            "AUTOMATION_CONFIG_PATH": str(path),
            "AUTOMATION_LOG_LEVEL": "debug",
            "AUTOMATION_DEFAULT_TIMEOUT": "7200",
            "PREFECT_API_URL": "http://127.0.0.1:4321/api",
        }
    )
    assert settings.config_path == path
    assert settings.automation.default_timeout == 7200.0
    assert settings.automation.max_concurrent_executions == 10
    assert settings.log.level is LogLevel.DEBUG
    assert settings.prefect.api_url == "http://127.0.0.1:4321/api"


def test_an_explicit_path_wins_over_the_variable(write: Write) -> None:
    settings = load_settings(write("server: {port: 5000}"), {"AUTOMATION_CONFIG_PATH": "/no/such/file"})
    assert settings.server.port == 5000


@pytest.mark.parametrize(
    "text", ["", "\n\n", "# nothing\n", "---\n", "null\n", "automation:\nalerts:\nscripts:\nlog:\n"]
)
def test_an_empty_file_or_section_has_the_defaults(write: Write, text: str) -> None:
    settings, defaults = load_settings(write(text), {}), load_settings(None, {})
    assert settings.model_dump(exclude={"config_path"}) == defaults.model_dump(exclude={"config_path"})


def test_an_empty_variable_counts_as_unset() -> None:
    names = [
        "AUTOMATION_CONFIG_PATH",
        "AUTOMATION_LOG_LEVEL",
        "AUTOMATION_DEFAULT_TIMEOUT",
        "PREFECT_API_URL",
    ]
    settings = load_settings(environ=dict.fromkeys(names, ""))
    assert settings == load_settings(environ={})
    assert settings.config_path is None


def test_the_state_folder(tmp_path: Path) -> None:
    assert load_settings(environ={"HOME": "/home/ada"}).home == Path("/home/ada/.automation")
    assert load_settings(environ={"HOME": "/home/ada", "AUTOMATION_HOME": "~/x"}).home == Path("/home/ada/x")
    assert load_settings(environ={"AUTOMATION_HOME": "/srv/a"}).history_url == "sqlite:////srv/a/history.db"
    assert load_settings(environ={"AUTOMATION_HOME": "relative"}).home.is_absolute()
    assert not (tmp_path / "x").exists()
    (tmp_path / "file").touch()
    (problem,) = problems(None, AUTOMATION_HOME=str(tmp_path / "file"))
    assert problem.startswith("environment variable AUTOMATION_HOME: ") and "not a folder" in problem
    (problem,) = problems(None, AUTOMATION_HOME="~no_such_user_here/x")
    assert "no home folder" in problem


def test_settings_cannot_be_changed() -> None:
    settings = load_settings(environ={})
    with pytest.raises(ValidationError):
        settings.home = Path("/")
    with pytest.raises(ValidationError):
        settings.automation.default_timeout = 1.0


def test_a_password_in_the_history_url_is_not_shown(write: Write) -> None:
    settings = load_settings(write("history: {url: 'postgresql+psycopg://ada:hunter2@db/runs'}"), {})
    assert settings.history_url == "postgresql+psycopg://ada:hunter2@db/runs"
    assert "hunter2" not in repr(settings)
    (problem,) = problems(write("history: {url: 'mysql://ada:hunter2@db/runs'}"))
    assert "hunter2" not in problem and "config.yaml:1:16: history.url" in problem


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///history.db",
        "sqlite:////",
        "postgresql://",
        "postgres://h/d",
        "x",
        "",
    ],
)
def test_a_history_that_would_be_lost_is_refused(write: Write, url: str) -> None:
    (problem,) = problems(write(f"history: {{url: {url!r}}}"))
    assert "history.url" in problem


def test_overrides_of_one_script(write: Write) -> None:
    settings = load_settings(
        write(
            "automation: {default_timeout: 100}\n"
            "scripts:\n"
            "  config_validator: {timeout: 10m, level: manual, levels: {staging: automatic}, retries: 0}\n"
        ),
        {"AUTOMATION_DEFAULT_TIMEOUT": "2h"},
    )
    validator, monitor = catalog.get("config_validator"), catalog.get("system_monitor")
    assert settings.timeout_for(validator) == 600.0
    assert settings.timeout_for(monitor) == 7200.0
    assert settings.level_for(validator, "production") is Level.MANUAL
    assert settings.level_for(validator, "staging") is Level.AUTOMATIC
    assert settings.level_for(monitor, "staging") is Level.SELF_HEALING
    assert settings.retries_for(validator) == 0
    assert load_settings(environ={}).retries_for(validator) == validator.retries


def test_environments(write: Write) -> None:
    settings = load_settings(environ={})
    assert settings.environments == ("development", "staging", "production", "test")
    assert settings.require_environment("staging") == "staging"
    assert settings.needs_approval("production") and not settings.needs_approval("staging")
    with pytest.raises(InvalidParameters, match=r"'prodution' is not known. Did you mean 'production'"):
        settings.require_environment("prodution")
    with pytest.raises(InvalidParameters, match="Known: development, staging, production, test"):
        settings.require_environment("Production-EU-1")
    own = load_settings(write("environments: [dev, live]\nautomation: {require_approval_for: [live]}"), {})
    assert own.needs_approval("live")


def test_renaming_production_does_not_quietly_take_its_approval_away(write: Write) -> None:
    (problem,) = problems(write("environments: [dev, live]\n"))
    assert "config.yaml:1:1: environments: leaves out production" in problem
    assert load_settings(write("environments: [dev]\nautomation: {require_approval_for: []}"), {}).environments


WRONG = [
    ("automation: {max_concurent_executions: 1}", "1:14: automation.max_concurent_executions: unknown key; did you mean max_concurrent_executions?"),
    ("automaton: {}", "1:1: automaton: unknown key; did you mean automation?"),
    ("automation:\n  security:\n    require_mfaa: true", "3:5: automation.security.require_mfaa: unknown key; did you mean require_mfa?"),
    ("automation: {require_mfa: true}", "unknown key; it belongs at automation.security.require_mfa."),
    ("automation: {default_timeout: soon}", "1:31: automation.default_timeout: 'soon' is not allowed"),
    ("automation: {default_timeout: -5}", "it is not over 0 and up to 366 days"),
    ("automation:\n  default_timeout:\n", "2:3: automation.default_timeout: an empty value is not allowed"),
    ("automation: {max_concurrent_executions: ten}", "Allowed: a whole number from 1 to 1000."),
    ("automation: {max_concurrent_executions: 0}", "0 is not allowed"),
    ("automation: {max_concurrent_executions: 2.5}", "2.5 is not allowed"),
    ("automation: {max_concurrent_executions: true}", "true is not allowed"),
    ('automation: {max_concurrent_executions: "10"}', "write it without quotes"),
    ("automation: {max_concurrent_executions: 0600}", "'0600' is not allowed"),
    ("automation: {max_concurrent_executions: 1_000}", "'1_000' is not allowed"),
    ("automation: {default_timeout: 1:30:00}", "'1:30:00' is not allowed"),
    ('automation: {backup_before_changes: "false"}', "'false' is not allowed; write it without quotes."),
    ("automation: {backup_before_changes: 1}", "1 is not allowed. Allowed: true or false"),
    ("automation: {require_approval_for: production}", "'production' is not allowed. Allowed: a list"),
    ("automation: {require_approval_for: [prodution]}", "1:37: automation.require_approval_for[0]: 'prodution' is not allowed; did you mean production?"),
    ("automation: {notification_channels: [email, slak]}", "automation.notification_channels[1]: 'slak' is not allowed; did you mean slack?"),
    ("automation: {notification_channels: [email, email]}", "something is listed twice"),
    ("automation: []", "1:13: automation: an empty list is not allowed. Allowed: a mapping with the keys max_concurrent_executions"),
    ("alerts: {script_failure_rate: {threshold: 5}}", "5 is not allowed. Allowed: a percentage from 0% to 100%, such as 5%"),
    ("alerts: {script_failure_rate: {threshold: 120%}}", "it is outside 0% to 100%"),
    ("alerts: {execution_time_anomaly: {threshold: 2x}}", "such as 2x_baseline"),
    ("alerts: {execution_time_anomaly: {severity: warn}}", "Allowed: one of info, warning, critical."),
    ("environments: []", "an empty list is not allowed"),
    ("environments: [production, 'a b']", "environments[1]: 'a b' is not allowed"),
    ("scripts: {config_validatr: {}}", "1:11: scripts.config_validatr: 'config_validatr' is not allowed; did you mean config_validator?"),
    ("scripts: {config_validator: {levels: {prod: manual}}}", "1:39: scripts.config_validator.levels.prod: 'prod' is not allowed. Allowed: one of development"),
    ("scripts: {config_validator: {level: automatc}}", "did you mean automatic?"),
    ("scripts: {config_validator: {timout: 5}}", "unknown key; did you mean timeout?"),
    ("scripts: {config_validator: {retries: 21}}", "Allowed: a whole number from 0 to 20 or null."),
    ("prefect: {api_url: 'ftp://x'}", "prefect.api_url: 'ftp://x' is not allowed. Allowed: an http or https URL"),
    ("prefect: {api_url: 'http://x:99999/api'}", "prefect.api_url"),
    ("prefect: {api_url: 4200}", "prefect.api_url: 4200 is not allowed"),
    ("server: {port: 65536}", "a port number from 1 to 65535"),
    ("log: {path: logs/a.log}", "it is relative"),
    ("log: {path: '~no_such_user_here/a.log'}", "there is no such user"),
    ("log: {level: chatty}", "Allowed: one of DEBUG, INFO, WARNING, ERROR, CRITICAL."),
    ("server: {port: 1}\nserver: {port: 2}", "2:1: server: this key is already on line 1; keep one"),
    ("server: {port: 1, port: 2}", "1:19: server.port: this key is already on line 1"),
    ("server: {[a]: 1}", "1:10: server: a key must be a plain name"),
    ("server: {port: !!int 5000}", "the tag !!int is not allowed"),
    ("server: !!python/object/apply:os.system [id]", "the tag !!python/object/apply:os.system is not allowed"),
    ("server: {<<: 5}", "`<<` takes a mapping or a list of mappings"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), WRONG, ids=[text for text, _ in WRONG])
def test_what_is_wrong_is_told_with_its_place_and_what_is_allowed(write: Write, text: str, said: str) -> None:
    path = write(text)
    told = problems(path)
    assert any(said in problem for problem in told), told
    assert all(re.match(rf"{re.escape(str(path))}:\d+:\d+: ", problem) for problem in told)


def test_all_problems_are_told_at_once_in_the_order_of_the_file(write: Write) -> None:
    texts = [
        "automation: {x1: 1, default_timeout: soon}",
        "alerts: {x2: 1}",
        "server: {port: 0, port: 1}",
        "lag: {}",
    ]
    path = write("\n".join(texts))
    told = problems(path, AUTOMATION_LOG_LEVEL="loud", AUTOMATION_DEFAULT_TIMOUT="5", AUTOMATION_DEFAULT_TIMEOUT="x")
    assert [p.removeprefix(f"{path}:").partition(": ")[0] for p in told] == [
        "1:14", "1:38", "2:10", "3:16", "3:19", "4:1",
        "environment variable AUTOMATION_DEFAULT_TIMEOUT", "environment variable AUTOMATION_DEFAULT_TIMOUT",
        "environment variable AUTOMATION_LOG_LEVEL",
    ]  # fmt: skip
    with pytest.raises(ConfigurationError, match=r"(?s)9 problems.*Every key with its default.*reference\.yaml"):
        load_settings(
            path,
            {
                "AUTOMATION_LOG_LEVEL": "loud",
                "AUTOMATION_DEFAULT_TIMOUT": "5",
                "AUTOMATION_DEFAULT_TIMEOUT": "x",
            },
        )


def test_a_bad_value_in_the_file_is_told_even_where_a_variable_wins(write: Write) -> None:
    (problem,) = problems(write("log: {level: loud}"), AUTOMATION_LOG_LEVEL="INFO")
    assert "config.yaml:1:14: log.level" in problem


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("AUTOMATION_LOG_LEVL", "AUTOMATION_LOG_LEVEL"),
        ("AUTOMATION_LOGLEVEL", "AUTOMATION_LOG_LEVEL"),
        ("AUTOMATION_CONFIG_PAHT", "AUTOMATION_CONFIG_PATH"),
        ("AUTOMATION_CONFIGPATH", "AUTOMATION_CONFIG_PATH"),
        ("AUTOMATION_DEFUALT_TIMEOUT", "AUTOMATION_DEFAULT_TIMEOUT"),
        ("AUTOMATION_HOM", "AUTOMATION_HOME"),
        ("AUTOMATION_log_level", "AUTOMATION_LOG_LEVEL"),
    ],
)
def test_a_misspelt_variable_is_an_error(name: str, meant: str) -> None:
    (problem,) = problems(None, **{name: "x"})
    assert problem.startswith(f"environment variable {name}: unknown variable; did you mean {meant}?")


@pytest.mark.parametrize(
    "name",
    [
        "AUTOMATION_NAME",
        "AUTOMATION_HOST",
        "AUTOMATION_MODE",
        "AUTOMATION_EXECUTION_ID",
        "AUTOMATION_",
        "HOME_AUTOMATION",
    ],
)
def test_variables_of_others_are_left_alone(name: str) -> None:
    assert load_settings(environ={name: "x"}) == load_settings(environ={})


def test_anchors_and_merge_keys_work_in_small(write: Write) -> None:
    settings = load_settings(
        write(
            "scripts:\n"
            "  config_validator: &slow {timeout: 2h, retries: 3}\n"
            "  system_monitor: *slow\n"
            "  security_scanner:\n"
            "    <<: *slow\n"
            "    retries: 1\n"
        ),
        {},
    )
    assert settings.scripts["system_monitor"] == settings.scripts["config_validator"]
    assert settings.timeout_for(catalog.get("security_scanner")) == 7200.0
    assert settings.retries_for(catalog.get("security_scanner")) == 1


def test_a_problem_in_an_anchored_part_is_told_where_it_is_written(write: Write) -> None:
    told = problems(write("scripts:\n  config_validator: &a {retries: 99}\n  system_monitor: *a\n"))
    assert {problem.split(": ")[0].partition("config.yaml:")[2] for problem in told} == {"2:34"}


SECTIONS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(
                st.sampled_from(
                    [
                        "automation",
                        "security",
                        "alerts",
                        "scripts",
                        "config_validator",
                        "log",
                        "level",
                        "path",
                    ]
                ),
                st.text(max_size=8),
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


@given(SECTIONS)
def test_any_data_is_accepted_or_refused_with_a_place(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    import yaml

    path = tmp_path_factory.mktemp("any") / "c.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    try:
        load_settings(path, {})
    except SettingsError as error:
        assert all(problem.at for problem in error.problems), error
        assert str(error).isprintable() or "\n" in str(error)


@given(st.text(alphabet="ab: -[]{},&*!|>'\"#\n\t?%@<é😀0x.", max_size=60))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("any") / "c.yaml"
    path.write_text(text, encoding="utf-8")
    document = read_document(path)
    assert isinstance(document.data, dict)
