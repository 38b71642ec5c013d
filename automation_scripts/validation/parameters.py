"""What `config_validator` can be asked: the one source for the CLI, the API, the run form of the UI and the documents."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from automation_scripts.validation.strictness import Strictness


class ConfigValidatorParameters(BaseModel):
    """Parameters of `config_validator`. Paths are those of the machine that does the work.

    Texts that are left out are empty and not None: the run form of the UI then shows one plain field for each.
    """

    model_config = ConfigDict(extra="forbid", title="config_validator")

    config_path: str = Field(
        min_length=1, description="Folder or file to validate: YAML and JSON, searched recursively."
    )
    validation_rules: Strictness = Field(
        Strictness.STANDARD, description="How strict: strict for what goes to production, standard, or lenient."
    )
    schema_path: str = Field(
        "", description="A JSON Schema file for every document, or a folder of NAME.schema.json files."
    )
    rules_path: str = Field("", description="A file or folder of your own business rules (YAML with CEL).")
    expectations_path: str = Field(
        "", description="A YAML suite of Great Expectations for the flattened table of all values."
    )
    check_block: str = Field(
        "", description="Name of a Configuration Check block whose commands are run in the folder too."
    )
    baseline_path: str = Field(
        "",
        description="A file of accepted findings (`automation validate --update-baseline`): they are not shown again.",
    )
    apply_fixes: bool = Field(
        False, description="Write the corrections that are safe to make, then validate again. Comments are kept."
    )
    max_file_mb: float = Field(
        16.0, gt=0, le=1024, description="Files larger than this many MiB are reported, not read."
    )

    @property
    def intends_changes(self) -> bool:
        """Whether corrections are written."""
        return self.apply_fixes
