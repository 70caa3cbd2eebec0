"""The texts of formulas as captions, whatever layout they came in: what is trained on and scored against.

Ink and CROHME's bitmaps come with captions: the published ones, which nothing may change (one of them is not even
well-formed), or those of the InkML reader. Tables, pairs and the like hold LaTeX as somebody typed it.
"""

from __future__ import annotations

from dataclasses import replace

from amanuensis.data.crohme import StoredBitmap
from amanuensis.ink import InkImage
from amanuensis.latex import normalize_caption
from amanuensis.records import Sample


def captioned(sample: Sample) -> Sample:
    """The sample with its caption as its text, a space between tokens; one that has a caption stays as it is.

    Raises:
        DataError: no caption can say the text.
    """
    if isinstance(sample.image, InkImage | StoredBitmap):
        return sample
    return replace(sample, text=" ".join(normalize_caption(sample.text)))
