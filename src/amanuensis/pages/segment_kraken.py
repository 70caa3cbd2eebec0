"""Lines found by kraken, a program of its own: a picture goes in, a PAGE file comes out (our addition).

kraken's segmenter of baselines ("A Modular Region and Text Line Layout Analysis System", Kiessling, 2020) needs
PyTorch, so it is never imported: the command `kraken`, wherever it is installed, runs once for every page, with the
model that it brings. Our arguments are alike in the sources of its versions 5 to 7. Regions and order that it writes
are not taken: order is ours, as with every finder.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

from PIL import Image

from amanuensis.errors import DataError, ProgramError
from amanuensis.pages.page_xml import read_page_xml
from amanuensis.pages.segment_found import FoundLine, FoundLines
from amanuensis.pages.segment_ink import Grey
from amanuensis.pages.xml_files import parse_page_file, read_bytes
from amanuensis.records import Page

INSTALL = "pipx install kraken"
"""What installs the command, apart from this package."""

TIME_LIMIT = 600.0
"""Seconds for a page, loading PyTorch included: far above what it needs, for it only has to end what hangs."""

_TOLD = 300  # characters of what kraken says that an error repeats: the last ones
_PICTURE, _PAGE_FILE = "page.png", "page.xml"


def kraken_command() -> str | None:
    """The absolute path of the command `kraken`; None where it is not installed."""
    found = which("kraken")
    return None if found is None else str(Path(found).absolute())


@dataclass(frozen=True, slots=True)
class KrakenFinder:
    """Finds lines by running kraken; a `LineFinder`.

    Attributes:
        command: the absolute path of the program.
        threads: CPU threads that it may use.
        time_limit: seconds after which a page is given up.
    """

    command: str
    threads: int = 1
    time_limit: float = TIME_LIMIT

    @classmethod
    def installed(cls, *, threads: int = 1) -> KrakenFinder:
        """The finder with the command that is on the path.

        Raises:
            ProgramError: there is none.
        """
        command = kraken_command()
        if command is None:
            raise ProgramError(
                f"finding lines with kraken needs its command, which is not installed: {INSTALL}"
            )
        return cls(command, threads)

    @property
    def name(self) -> str:
        """Of the method."""
        return "kraken"

    def find(self, grey: Grey) -> FoundLines:
        """The lines of a page (H, W); lines without a usable outline or baseline are left out and counted.

        Raises:
            ProgramError: kraken does not run, fails, takes too long, or writes no page file of this picture.
        """
        with TemporaryDirectory(prefix="amanuensis-kraken-") as scratch:
            folder = Path(scratch)
            Image.fromarray(grey).save(folder / _PICTURE, compress_level=1)
            said = self._run(folder)
            page = _written(folder / _PAGE_FILE, said)
        if (page.width, page.height) != grey.shape[::-1]:
            size, given = f"{page.width} x {page.height}", f"{grey.shape[1]} x {grey.shape[0]}"
            raise ProgramError(f"kraken wrote a page of {size} pixels for a picture of {given}")
        found = [FoundLine(line.polygon, line.baseline) for line in page.lines]
        kept = tuple(line for line in found if len(line.polygon) > 2 or len(line.baseline) > 1)
        return FoundLines(kept, len(found) - len(kept))

    def _run(self, folder: Path) -> str:
        """Run it on the picture in a folder; what it said.

        Without `--raise-on-error`: with it, one line without an outline would cost the page.
        """
        arguments = ["--threads", str(self.threads), "-x", "-i", _PICTURE, _PAGE_FILE, "segment", "-bl"]
        try:
            done = subprocess.run(  # noqa: S603 - no shell, and no word of it comes from a page
                [self.command, *arguments],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=self.time_limit,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ProgramError(
                f"kraken took longer than {self.time_limit:g} seconds and was ended"
            ) from error
        except OSError as error:
            raise ProgramError(f"kraken does not run: {self.command}: {error.strerror}") from error
        said = " ".join(done.stdout.decode(errors="replace").split())[-_TOLD:] or "it says nothing"
        if done.returncode:
            raise ProgramError(f"kraken failed with status {done.returncode}: {said}")
        return said


def _written(path: Path, said: str) -> Page:
    """The page file that kraken wrote; it ends with status 0 also where it failed and wrote nothing.

    Raises:
        ProgramError: there is none, it is empty, or it is no PAGE file.
    """
    if not path.is_file() or not path.stat().st_size:
        raise ProgramError(f"kraken wrote no page file: {said}")
    try:
        return read_page_xml(parse_page_file(read_bytes(path), path.name), Path(path.name))
    except DataError as error:
        raise ProgramError(f"kraken wrote a page file that cannot be read: {error}") from error
