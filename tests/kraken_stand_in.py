"""A program called kraken that takes kraken's arguments and writes the PAGE file that it is given."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

NAMESPACE = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"

_PROGRAM = """#!{python} -SE
import struct, sys, time
arguments = ["--threads", "{threads}", "-x", "-i", "page.png", "page.xml", "segment", "-bl"]
if sys.argv[1:] != arguments:
    sys.exit(f"Error: No such option: {{sys.argv[1:]}}")
with open("page.png", "rb") as picture:
    width, height = struct.unpack(">II", picture.read(24)[16:])
lines = {lines!r}.replace("WIDTH", str(width)).replace("HEIGHT", str(height))
print("Loading ANN blla.mlmodel")
{does}
"""
WRITES = 'open("page.xml", "w").write(lines)'


def page_file(*lines: str, size: str = 'imageWidth="WIDTH" imageHeight="HEIGHT"') -> str:
    """As kraken's template has it: the image with its whole path, a region's type in `custom`."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><PcGts xmlns="{NAMESPACE}">'
        f"<Metadata><Creator>kraken</Creator></Metadata>"
        f'<Page imageFilename="/tmp/page.png" {size}><TextRegion id="r" custom="structure {{type:text;}}">'
        f'<Coords points="0,0 0,90 90,90"/>{"".join(lines)}</TextRegion></Page></PcGts>'
    )


def line(polygon: str, baseline: str) -> str:
    """A line as kraken writes it: without the element whose points it does not know."""
    coords = f'<Coords points="{polygon}"/>' if polygon else ""
    return (
        f'<TextLine id="_l">{coords}{f"""<Baseline points="{baseline}"/>""" if baseline else ""}</TextLine>'
    )


def install(folder: Path, lines: str = "", *, does: str = WRITES, threads: int = 1) -> None:
    """Put it into a folder.

    Args:
        folder: of programs.
        lines: the page file, with WIDTH and HEIGHT for those of the picture.
        does: Python that it runs once the arguments are found right.
        threads: that it has to be told.
    """
    folder.mkdir(exist_ok=True)
    program = folder / "kraken"
    program.write_text(_PROGRAM.format(python=sys.executable, threads=threads, lines=lines, does=does))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
