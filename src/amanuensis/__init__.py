"""amanuensis reads handwriting: lines into text, offline, on a laptop CPU."""

__version__ = "0.1.0.dev0"
