"""Live findings and corrections in editors: a language server (Language Server Protocol 3.17) over the checks of config_validator."""
