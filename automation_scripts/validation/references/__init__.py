"""Names that configuration uses and defines: what leads nowhere, stands twice, goes in a circle, or is unused."""
