"""The command line: thin, over the public API. What goes to stdout is the result, all else to stderr."""

from amanuensis.cli.app import app, main

__all__ = ["app", "main"]
