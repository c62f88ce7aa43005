"""The `aia` command."""
