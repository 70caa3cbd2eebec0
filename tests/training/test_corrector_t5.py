"""T5 through `transformers`: a tiny one with random weights, made here; no hub is reached."""

from __future__ import annotations

import builtins
import importlib.util
import sys
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from amanuensis.correction import CorrectorConfig, LexiconCorrector, Proposal, Segment, load_correction
from amanuensis.correction import t5 as by_t5
from amanuensis.correction.pairs import Pair
from amanuensis.correction.t5 import LAYOUT_TOKENS, T5Corrector, T5Settings, prompt_of
from amanuensis.errors import MissingExtraError, ModelError
from amanuensis.language.lexicon import Lexicon

pytest.importorskip("transformers", reason="the extra t5 is not installed")
pytest.importorskip("sentencepiece", reason="the extra t5 is not installed")
torch = pytest.importorskip("torch", reason="the extra t5 is not installed")

TEXTS = ["la maison est grande", "le chat dort", "un jardin ancien", "þe olde ſong"] * 10


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A T5 of some thousand parameters that was never trained, in the layout of `transformers`."""
    from amanuensis.training.corrector_t5 import SmallT5, t5_from_scratch  # noqa: PLC0415

    torch.manual_seed(0)
    model, tokenizer = t5_from_scratch(TEXTS, SmallT5(pieces=60, width=16, layers=1, heads=2))
    path = tmp_path_factory.mktemp("t5") / "tiny"
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def segment(text: str, sure: float = 0.5, before: Sequence[str] = (), after: Sequence[str] = ()) -> Segment:
    return Segment(text, (sure,) * len(text), before=tuple(before), after=tuple(after))


def test_a_line_is_asked_between_its_neighbors_with_tokens_for_layout() -> None:
    assert prompt_of(segment("b", before=["a"], after=["c"])) == "<before> a <line> b <after> c"
    assert prompt_of(segment("b")) == "<line> b"


def test_pieces_keep_old_letters_and_know_the_layout(folder: Path) -> None:
    tokenizer = load_correction("t5", corrector=folder).corrector.tokenizer  # type: ignore[attr-defined]
    for text in ("þe olde ſong", "la maison"):
        assert tokenizer.decode(tokenizer(text)["input_ids"], skip_special_tokens=True) == text
    for token in LAYOUT_TOKENS:
        assert len(tokenizer(token, add_special_tokens=False)["input_ids"]) == 1


def test_a_folder_of_transformers_corrects_with_defaults_and_the_same_each_time(folder: Path) -> None:
    correction = load_correction("t5", corrector=folder)
    assert correction.theta == 0.9
    lines = [segment("la maisom"), segment("le chat dort", sure=0.99), segment("x")]
    first, again = (correction.corrector.propose(lines) for _ in range(2))
    assert first == again
    assert first[1] == []  # sure: no error is detected, T5 is not asked


class Scripted(T5Corrector):
    """T5 whose answers are written here."""

    def __init__(self, answer: str, confidence: float, lexicon: Lexicon | None, settings: T5Settings) -> None:
        self.answer, self.confidence, self.asked = answer, confidence, 0
        self.lexicon, self.settings = lexicon, settings

    def _candidates(self, prompts: Sequence[str]) -> list[tuple[str, float]]:
        self.asked += len(prompts)
        return [(self.answer, self.confidence)] * len(prompts)


def test_only_lines_with_a_word_that_the_lexicon_lacks_are_asked() -> None:
    corrector = Scripted("la maison", 0.8, Lexicon.from_texts(["la maison"]), T5Settings())
    proposals = corrector.propose([segment("la maisom"), segment("la maison", sure=0.1), segment("la xy 12")])
    assert proposals == [[Proposal(8, 9, "n", 0.8)], [], []]
    assert corrector.asked == 1


def test_an_answer_that_tells_another_story_is_dropped() -> None:
    corrector = Scripted("once upon a time", 1.0, None, T5Settings(max_change=0.4))
    assert corrector.propose([segment("la maisom")]) == [[]]
    assert Scripted("", 1.0, None, T5Settings()).propose([segment("la maisom")]) == [[]]


def test_the_confidence_is_the_geometric_mean_of_what_was_written(folder: Path) -> None:
    corrector = load_correction("t5", corrector=folder).corrector
    assert isinstance(corrector, T5Corrector)
    [alone] = corrector._candidates(["<line> la maisom"])
    batched = corrector._candidates(["<line> la maisom", "<line> un jardin ancien est la maison"])
    assert 0 < alone[1] <= 1
    assert batched[0][0] == alone[0]
    assert batched[0][1] == pytest.approx(alone[1], rel=1e-3)  # padding of a batch counts for nothing


def test_fine_tuning_learns_a_systematic_mistake_and_keeps_what_helps(tmp_path: Path) -> None:
    from amanuensis.training.corrector_t5 import SmallT5, train_t5  # noqa: PLC0415
    from amanuensis.training.corrector_tagger import CorrectorTraining  # noqa: PLC0415

    words = ["lune", "dune", "rune"]
    pairs = [
        Pair(f"{split}{n}", "toy", f"p{n}", split, words[n % 3], words[n % 3].replace("n", "u"), (0.5,) * 4)  # type: ignore[arg-type]
        for n in range(24)
        for split in ("train", "val")
    ]
    settings = CorrectorTraining(epochs=25, batch_size=8, learning_rate=1e-2, injected=0.0)
    small = SmallT5(pieces=40, width=32, layers=1, heads=2)
    trained = train_t5(pairs, tmp_path / "t5", settings=settings, small=small)
    assert trained.best is not None
    assert trained.best.characters.rate < trained.best.before.rate
    correction = load_correction("t5", corrector=tmp_path / "t5")
    assert correction.theta == trained.best.theta
    assert isinstance(correction.corrector, T5Corrector)
    assert correction.corrector.lexicon is not None
    [proposals] = correction.corrector.propose([segment("luue")])
    assert [p.text for p in proposals] == ["n"]
    again = train_t5(
        pairs,
        tmp_path / "more",
        settings=CorrectorTraining(epochs=1, learning_rate=1e-4),
        start=str(tmp_path / "t5"),
    )
    assert again.best is not None


def test_what_is_no_t5_is_named_at_once(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelError, match="needs a corrector"):
        load_correction("t5")
    with pytest.raises(ModelError, match=r"no config\.json"):
        load_correction("t5", corrector=tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="no T5 that can be loaded"):
        load_correction("t5", corrector=tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    with pytest.raises(
        ModelError, match="nobody/nothing: neither a folder nor whole in the hub's cache; HF_HUB_OFFLINE"
    ):
        load_correction("t5", corrector="nobody/nothing")


def test_a_t5_whose_download_was_cut_off_is_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, cut_off = tmp_path / "whole", tmp_path / "cut_off"
    cut_off.mkdir()
    (cut_off / "config.json").write_text("{}")

    def download(name: str, *, local_files_only: bool = False, **options: object) -> str:
        return str(cut_off if local_files_only else whole)

    monkeypatch.setitem(sys.modules, "huggingface_hub", types.SimpleNamespace(snapshot_download=download))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    assert by_t5._find("org/t5") == whole
    (cut_off / "model.safetensors.index.json").write_text('{"weight_map": {"a": "1.safetensors"}}')
    assert by_t5._find("org/t5") == whole
    (cut_off / "1.safetensors").write_bytes(b"")
    assert by_t5._find("org/t5") == cut_off


def test_without_the_extra_the_message_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "transformers" else find(name, *a)
    )
    with pytest.raises(MissingExtraError, match=r"transformers.*pip install 'amanuensis\[t5\]'"):
        load_correction("t5", corrector=tmp_path)


def test_a_lexicon_needs_nothing_of_t5(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    original = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        assert name.split(".", maxsplit=1)[0] not in ("torch", "transformers", "sentencepiece")
        return original(name, *rest)

    for module in [name for name in sys.modules if name.startswith("amanuensis.correction")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(builtins, "__import__", refuse)
    (tmp_path / "w.txt").write_text("maison\n")
    from amanuensis.correction import load_correction as afresh  # noqa: PLC0415

    assert (
        type(afresh("lexicon", lexicons=[tmp_path / "w.txt"]).corrector).__name__ == LexiconCorrector.__name__
    )


def test_a_corrector_of_another_kind_is_refused(folder: Path, tmp_path: Path) -> None:
    from amanuensis.correction.folder import write_corrector  # noqa: PLC0415

    config = CorrectorConfig(kind="tagger", theta=0.5)
    write_corrector(tmp_path / "tagger", config, {"config.json": b"{}"})
    with pytest.raises(ModelError, match="of the kind tagger, not t5"):
        load_correction("t5", corrector=tmp_path / "tagger")
