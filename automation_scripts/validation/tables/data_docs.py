"""Data docs of Great Expectations as one page that loads nothing from elsewhere and shows no secret."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from automation_scripts.validation.values.secret_words import masked, shown

# What their page asks for from other hosts: style sheets, scripts, pictures. None is needed to read it.
_OUTSIDE = re.compile(
    r"<script\b[^>]*\bsrc=[^>]*>\s*</script>|<link\b[^>]*\bhref=[^>]*>|<img\b[^>]*\bsrc=\"https?:[^>]*>",
    re.IGNORECASE,
)
_HANDLER = re.compile(r"\son[a-z]+=\"[^\"]*\"")
_SCRIPT = re.compile(r"<script\b.*?</script>", re.IGNORECASE | re.DOTALL)
_HEAD = """<head>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 76rem; padding: 1.5rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1.2rem; }
td, th { border-top: 1px solid #9aa4b2; padding: .35rem .6rem; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
.badge { border: 1px solid #9aa4b2; border-radius: 4px; padding: 0 .3rem; }
.fa-check-circle::before { content: "met"; color: #17643a; } .fa-times::before { content: "not met"; color: #b42318; }
.modal, .collapse:not(td *), nav, footer, input, label { display: none; }
</style>
"""


def page(results: Sequence[Any], rows: Sequence[Mapping[str, Any]]) -> str:
    """The results of single expectations as a page of Great Expectations' data docs.

    Args:
        results: `ExpectationValidationResult`s, in the order of the suite.
        rows: the rows that were judged; values among them that are secrets are masked in the page.
    """
    from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
    from great_expectations.render.view.view import DefaultJinjaPageView

    secrets = {
        str(row["value"]): masked(str(row["value"]))
        for row in rows
        if shown(str(row["key"]), str(row["value"])).startswith("(")
    }
    for result in results:
        result.result = _without(result.result, secrets)
    met = sum(bool(result.success) for result in results)
    whole = ExpectationSuiteValidationResult(
        success=met == len(results),
        results=list(results),
        suite_name="configuration",
        statistics={
            "evaluated_expectations": len(results),
            "successful_expectations": met,
            "unsuccessful_expectations": len(results) - met,
            "success_percent": 100.0 * met / len(results) if results else 100.0,
        },
        meta={"great_expectations_version": version("great_expectations")},
    )
    content: Any = ValidationResultsPageRenderer().render(whole)
    view: Any = DefaultJinjaPageView()
    text = str(view.render(content))
    text = _HANDLER.sub("", _SCRIPT.sub("", _OUTSIDE.sub("", text)))
    return text.replace("<head>", _HEAD, 1)


def _without(value: Any, secrets: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return secrets.get(value, value)
    if isinstance(value, Mapping):
        return {key: _without(item, secrets) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without(item, secrets) for item in value]
    return value
