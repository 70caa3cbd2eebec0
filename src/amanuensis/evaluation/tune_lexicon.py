"""Make a lexicon corrector for a recognizer, and find the settings that mend most on validation lines.

Confusions and settings come from validation lines, the words from train lines and whatever lists the user names. While
settings are tried the words of the validation lines are left out, or every trial would know the answers; the finished
corrector has them (spec 2.34: train and validation, never a test set). Settings are tried with the lexicon as it will
be stored, which leaves out the pairs of words that were seen once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import product
from typing import Any

from amanuensis.correction import Confusions, LexiconCorrector, LexiconSettings
from amanuensis.correction.by_lexicon import Suspect, proposals_of
from amanuensis.correction.pipeline import apply
from amanuensis.correction.segment import segments_of
from amanuensis.language.lexicon import Lexicon
from amanuensis.metrics import (
    EditCounts,
    HarmCounts,
    PairedDifference,
    character_edits,
    count_harm,
    paired_bootstrap,
)
from amanuensis.records import Reading

WEIGHTS = (0.3, 0.45, 0.6, 0.8)
UNKNOWN_LETTERS = (2.5, 3.5, 4.25, 5.0, 6.0)
THETAS = (0.5, 0.65, 0.8, 0.9)


@dataclass(frozen=True, slots=True)
class ReadLine:
    """A validation line and what was read in it; the reference is normalized as readings are."""

    reference: str
    reading: Reading
    page: str


@dataclass(frozen=True, slots=True)
class LexiconTrial:
    """What one setting did to the validation lines.

    Attributes:
        settings, theta: the setting.
        characters: edits after the correction.
        harm: rescued and harmed words.
    """

    settings: LexiconSettings
    theta: float
    characters: EditCounts
    harm: HarmCounts

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers for JSON."""
        return {
            "weight": self.settings.weight,
            "unknown_letter": self.settings.unknown_letter,
            "theta": self.theta,
            "cer": self.characters.rate,
            "harm_rate": self.harm.harm_rate,
            "rescued_words": self.harm.rescued,
        }


@dataclass(frozen=True, slots=True)
class TunedLexicon:
    """The best setting, and what it is worth on the lines that it was chosen on.

    Attributes:
        corrector: with the words of the validation lines too.
        best: the trial that was chosen; None if no setting mends more than it breaks within the bound on harm.
        before: character edits without correction.
        difference: of the CER, paired over pages; None without a best trial.
        trials: all of them.
    """

    corrector: LexiconCorrector
    best: LexiconTrial | None
    before: EditCounts
    difference: PairedDifference | None
    trials: tuple[LexiconTrial, ...] = field(repr=False)


def tune_lexicon(
    lines: Sequence[ReadLine],
    words: Lexicon,
    *,
    max_harm: float = 0.01,
    progress: Callable[[int, int], None] | None = None,
) -> TunedLexicon:
    """Learn confusions from validation lines, and choose settings on them.

    Args:
        lines: validation lines, at least one, as the recognizer read them; never of a test set.
        words: of train lines and lists.
        max_harm: no setting is chosen that makes a greater share of right words wrong.
        progress: called with (trials done, trials in all).
    """
    confusions = Confusions.learn((line.reference, line.reading.text) for line in lines)
    start = LexiconCorrector(words.as_stored(), confusions)
    weighed = [_Weighed(line, start) for line in lines]
    trials = []
    settings = [
        replace(start.settings, weight=weight, unknown_letter=letter)
        for weight, letter in product(WEIGHTS, UNKNOWN_LETTERS)
    ]
    for number, setting in enumerate(settings, start=1):
        trials += list(_try(weighed, setting))
        if progress is not None:
            progress(number, len(settings))
    before = sum((one.before for one in weighed), start=EditCounts())
    best = _best(trials, before, max_harm)
    whole = words.union(Lexicon.from_texts(line.reference for line in lines)).as_stored()
    chosen = best.settings if best else start.settings
    return TunedLexicon(
        corrector=LexiconCorrector(whole, confusions, chosen),
        best=best,
        before=before,
        difference=None if best is None else _difference(weighed, best),
        trials=tuple(trials),
    )


def scores_of(tuned: TunedLexicon, num_lines: int) -> dict[str, Any]:
    """What a corrector's folder tells of its tuning."""
    assert tuned.best is not None
    assert tuned.difference is not None
    return {
        "lines": num_lines,
        "cer_before": tuned.before.rate,
        "cer_difference_interval": tuned.difference.interval,
        **tuned.best.to_dict(),
    }


def settings_to_dict(settings: LexiconSettings) -> dict[str, float]:
    """As stored in a corrector's folder."""
    return asdict(settings)


class _Weighed:
    """A line whose suspects are weighed once, for all settings; texts that come out again are not scored again."""

    def __init__(self, line: ReadLine, corrector: LexiconCorrector) -> None:
        self.line = line
        [segment] = segments_of([line.reading], context=0)
        self.suspects: list[Suspect] = corrector.weigh(segment)
        self.before = character_edits(line.reference, line.reading.text)
        self._scored: dict[str, tuple[EditCounts, HarmCounts]] = {}

    def after(self, settings: LexiconSettings, theta: float) -> tuple[EditCounts, HarmCounts]:
        """Edits and harm with these settings."""
        proposals = [p for p in proposals_of(self.suspects, settings) if p.confidence > theta]
        text = apply(Reading(self.line.reading.text, 1.0), proposals).text
        if text not in self._scored:
            reference = self.line.reference
            harm = count_harm(reference, self.line.reading.text, text)
            self._scored[text] = character_edits(reference, text), harm
        return self._scored[text]


def _try(lines: Sequence[_Weighed], settings: LexiconSettings) -> Iterator[LexiconTrial]:
    for theta in THETAS:
        counted = [line.after(settings, theta) for line in lines]
        characters = sum((edits for edits, _ in counted), start=EditCounts())
        harm = sum((harm for _, harm in counted), start=HarmCounts())
        yield LexiconTrial(settings, theta, characters, harm)


def _best(trials: Sequence[LexiconTrial], before: EditCounts, max_harm: float) -> LexiconTrial | None:
    """The fewest character errors within the bound on harm; of equals the surer theta."""
    allowed = [t for t in trials if t.harm.harm_rate <= max_harm and t.characters.edits < before.edits]
    return min(allowed, key=lambda trial: (trial.characters.edits, -trial.theta), default=None)


def _difference(lines: Sequence[_Weighed], best: LexiconTrial) -> PairedDifference:
    after = [line.after(best.settings, best.theta)[0] for line in lines]
    return paired_bootstrap(
        [one.before for one in lines], after, [one.line.page for one in lines], draws=2000
    )
