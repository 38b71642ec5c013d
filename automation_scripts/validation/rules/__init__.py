"""Business rules: YAML files with CEL expressions and their own examples."""
