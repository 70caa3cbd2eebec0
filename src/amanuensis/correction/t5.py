"""T5 as corrector (HTR-JAND section V, Algorithm 5), through `transformers`: the extra `t5`.

*Paper*: T5-small, fine-tuned on (prediction, ground truth); SentencePiece; special tokens for layout; context;
DetectErrors, a confidence, theta. *Our reading* (spec 2.11, 2.12): a line is handed to T5 if it has a word that the
lexicon lacks or, without a lexicon, a doubtful character; the confidence is the geometric mean of the probabilities
of the tokens that T5 wrote. *Our addition*: a candidate that rewrites too much of the line is dropped, as T5 then
tells a story of its own. The graph of the network is `transformers`'; here is what goes in and what comes out.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from rapidfuzz.distance import Levenshtein

from amanuensis.correction.folder import LEXICON_FILE, is_corrector_folder, read_corrector_config, read_json
from amanuensis.correction.pipeline import Correction, differences, formatted
from amanuensis.correction.segment import Proposal, Segment
from amanuensis.errors import MissingExtraError, ModelError
from amanuensis.language.lexicon import Lexicon, read_lexicon, read_lexicons, word_places

BEFORE, LINE, AFTER = "<before>", "<line>", "<after>"
LAYOUT_TOKENS = (BEFORE, LINE, AFTER)
"""What tells T5 where the lines around end and the line begins (X2: special tokens for layout)."""

DEFAULT_THETA = 0.9
_WEIGHTS = "model.safetensors"
_HUB_OFF = {"1", "ON", "YES", "TRUE"}


@dataclass(frozen=True, slots=True, kw_only=True)
class T5Settings:
    """How T5 corrects.

    Attributes:
        doubt: without a lexicon, a line is corrected if a character is less sure than this.
        shortest: letters of the shortest word that is looked up.
        max_change: a candidate is dropped if it differs in more than this share of the line's characters.
        batch_size: lines that T5 works on together.
        max_tokens: of a candidate.
    """

    doubt: float = 0.8
    shortest: int = 3
    max_change: float = 0.4
    batch_size: int = 16
    max_tokens: int = 192


class T5Corrector:
    """Proposes what T5 makes of lines that hold a suspect word."""

    def __init__(
        self, model: Any, tokenizer: Any, lexicon: Lexicon | None = None, settings: T5Settings | None = None
    ) -> None:
        """Put it together.

        Args:
            model: a `T5ForConditionalGeneration`, or any of `transformers` that generates text from text.
            tokenizer: its own; it should know `LAYOUT_TOKENS`.
            lexicon: the words that are no errors.
            settings: limits.
        """
        self.model = model.train(False)
        self.tokenizer = tokenizer
        self.lexicon = lexicon
        self.settings = settings or T5Settings()

    def propose(self, segments: Sequence[Segment]) -> list[list[Proposal]]:
        """See `Corrector`."""
        proposals: list[list[Proposal]] = [[] for _ in segments]
        suspects = [place for place, segment in enumerate(segments) if self._is_suspect(segment)]
        size = self.settings.batch_size
        for first in range(0, len(suspects), size):
            places = suspects[first : first + size]
            candidates = self._candidates([prompt_of(segments[place]) for place in places])
            for place, (candidate, confidence) in zip(places, candidates, strict=True):
                proposals[place] = self._proposals(segments[place].text, candidate, confidence)
        return proposals

    def _is_suspect(self, segment: Segment) -> bool:
        """DetectErrors(s, D)."""
        if self.lexicon is None:
            return min(segment.confidences, default=1.0) < self.settings.doubt
        words = (segment.text[start:end] for start, end in word_places(segment.text))
        return any(len(word) >= self.settings.shortest and word not in self.lexicon for word in words)

    def _candidates(self, prompts: Sequence[str]) -> list[tuple[str, float]]:
        """What T5 writes for each prompt (greedily), and how surely."""
        import torch  # noqa: PLC0415

        inputs = self.tokenizer(list(prompts), return_tensors="pt", padding=True)
        with torch.inference_mode():
            written = self.model.generate(
                input_ids=inputs["input_ids"],
                attention_mask=inputs["attention_mask"],
                max_new_tokens=self.settings.max_tokens,
                num_beams=1,
                do_sample=False,
                output_scores=True,
                return_dict_in_generate=True,
            )
        scores = self.model.compute_transition_scores(
            written.sequences, written.scores, normalize_logits=True
        )
        tokens = written.sequences[:, 1:]
        texts = self.tokenizer.batch_decode(tokens, skip_special_tokens=True)
        padding = self.tokenizer.pad_token_id
        return [
            (formatted(text), _confidence([s for s, t in zip(row, ids, strict=True) if t != padding]))
            for text, row, ids in zip(texts, scores.tolist(), tokens.tolist(), strict=True)
        ]

    def _proposals(self, text: str, candidate: str, confidence: float) -> list[Proposal]:
        if not candidate or Levenshtein.distance(text, candidate) > self.settings.max_change * len(text):
            return []
        return differences(text, candidate, confidence)


def prompt_of(segment: Segment) -> str:
    """What T5 is asked: the line between the lines around it, told apart by `LAYOUT_TOKENS`."""
    pieces = [BEFORE, *segment.before] if segment.before else []
    pieces += [LINE, segment.text]
    pieces += [AFTER, *segment.after] if segment.after else []
    return " ".join(pieces)


def load_t5(corrector: Path | str, lexicons: Sequence[Path | str] = ()) -> Correction:
    """T5 from a folder, or from the hub's cache by its id.

    A folder that `amanuensis correction t5` wrote knows its theta, its context and its lexicon; any other T5 in the
    layout of `transformers` has defaults.

    Args:
        corrector: a folder, or "organization/name".
        lexicons: files of words; they take the place of the folder's own.

    Raises:
        MissingExtraError: `transformers`, `sentencepiece` or `torch` is not installed.
        ModelError: no T5 lies there, the folder is of another kind, or a hub model is not on this machine and cannot be
            fetched.
    """
    check_installed()
    folder = _find(str(corrector))
    words = read_lexicons(lexicons) if lexicons else _own_lexicon(folder)
    theta, context, settings = DEFAULT_THETA, 1, T5Settings()
    if is_corrector_folder(folder):
        config = read_corrector_config(folder)
        if config.kind != "t5":
            raise ModelError(f"{folder}: this corrector is of the kind {config.kind}, not t5")
        theta, context = config.theta, config.context
        settings = _settings(dict(config.settings), folder)
    model, tokenizer = _load(folder)
    facts = {"corrector": Path(str(corrector)).name, **asdict(settings)}
    return Correction("t5", T5Corrector(model, tokenizer, words, settings), theta, context, facts)


def check_installed() -> None:
    """Say what to install before an import fails.

    Raises:
        MissingExtraError: the extra `t5` is not complete.
    """
    for package in ("torch", "transformers", "sentencepiece"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(f"correction by T5 (it lacks {package})", "t5")


def _confidence(log_probs: Sequence[float]) -> float:
    return min(1.0, math.exp(sum(log_probs) / max(1, len(log_probs))))


def _own_lexicon(folder: Path) -> Lexicon | None:
    path = folder / LEXICON_FILE
    return read_lexicon(path) if path.is_file() else None


def _settings(stored: dict[str, Any], folder: Path) -> T5Settings:
    known = {field.name for field in fields(T5Settings)}
    if unknown := sorted(set(stored) - known):
        raise ModelError(
            f"{folder}: unknown settings {', '.join(unknown)}; known: {', '.join(sorted(known))}"
        )
    return T5Settings(**stored)


def _find(name: str) -> Path:
    folder = Path(name)
    if (folder / "config.json").is_file():
        return folder
    if folder.exists() or name.count("/") != 1 or name.startswith((".", "/")):
        raise ModelError(f"{name}: no T5 lies there (no config.json)")
    hub = importlib.import_module("huggingface_hub")
    wanted = ["*.json", "*.model", "*.safetensors"]  # never a pickle
    with suppress(Exception):  # the hub's client raises errors of half a dozen libraries
        cached = Path(hub.snapshot_download(name, allow_patterns=wanted, local_files_only=True))
        if _has_weights(cached):
            return cached
    missing = f"{name}: neither a folder nor whole in the hub's cache"
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in _HUB_OFF:
        raise ModelError(f"{missing}; HF_HUB_OFFLINE is set, so it is not fetched")
    try:
        return Path(hub.snapshot_download(name, allow_patterns=wanted))
    except Exception as error:
        raise ModelError(f"{missing}, and fetching it failed: {error}") from error


def _has_weights(folder: Path) -> bool:
    """Whether the weights are there, in one file or in all that an index names: a download may have been cut off."""
    index = folder / f"{_WEIGHTS}.index.json"
    names = set(read_json(index)["weight_map"].values()) if index.is_file() else {_WEIGHTS}
    return all((folder / name).is_file() for name in names)


def _load(folder: Path) -> tuple[Any, Any]:
    """The network and its tokenizer, from files on this machine."""
    transformers: Any = importlib.import_module("transformers")
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = transformers.AutoModelForSeq2SeqLM.from_pretrained(
            folder, local_files_only=True, use_safetensors=True
        )
    except Exception as error:  # transformers raises whatever its parts do
        raise ModelError(f"{folder}: no T5 that can be loaded: {error}") from error
    return model, tokenizer
