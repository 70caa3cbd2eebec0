"""Correcting what was read: by a lexicon, an edit tagger or T5, in the pipeline of HTR-JAND's Algorithm 5."""

from amanuensis.correction.by_lexicon import LexiconCorrector, LexiconSettings
from amanuensis.correction.confusions import Confusions
from amanuensis.correction.correcting import CorrectingRecognizer
from amanuensis.correction.folder import CorrectorConfig, read_corrector_config
from amanuensis.correction.loading import (
    load_correction,
    shipped_correctors,
    with_answers,
    write_lexicon_corrector,
)
from amanuensis.correction.pipeline import Corrected, Correction, correct
from amanuensis.correction.segment import Corrector, Proposal, Segment

__all__ = [
    "Confusions",
    "Corrected",
    "CorrectingRecognizer",
    "Correction",
    "Corrector",
    "CorrectorConfig",
    "LexiconCorrector",
    "LexiconSettings",
    "Proposal",
    "Segment",
    "correct",
    "load_correction",
    "read_corrector_config",
    "shipped_correctors",
    "with_answers",
    "write_lexicon_corrector",
]
