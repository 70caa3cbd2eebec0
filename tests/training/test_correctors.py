"""Correctors that learn: pairs, injected mistakes, the edit tagger; what does not help is not kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from amanuensis.correction import CorrectorConfig, load_correction
from amanuensis.correction.folder import TAGGER_FILE, write_corrector
from amanuensis.correction.pairs import Pair, read_pairs, write_pairs
from amanuensis.correction.patterns import error_patterns
from amanuensis.correction.tagger import EditTaggerCorrector, code_of
from amanuensis.errors import DataError, ModelError, RecipeError
from amanuensis.models.edit_tagger import EditTagger, EditTaggerConfig
from amanuensis.recognition import Recognizer
from amanuensis.training import RunOptions
from amanuensis.training.corrector_pairs import CrossFit, PairSource, cross_fit
from amanuensis.training.corrector_tagger import CorrectorTraining, edit_labels, tagger_graph, train_tagger
from drawn_lines import write_recipe


def pair(read: str, written: str, number: int = 0, split: str = "train", group: str = "toy") -> Pair:
    sure = tuple(0.9 for _ in read)
    return Pair(f"{group}/{split}{number}", group, f"page{number}", split, written, read, sure)  # type: ignore[arg-type]


def mistaken(number: int, split: str) -> Pair:
    """A line in which every "n" before an "e" was read as "u"; elsewhere "u" is right."""
    rng = np.random.default_rng([number, split == "val"])
    written = " ".join(str(word) for word in rng.choice(["une", "rue", "ne", "nu", "du", "lune"], 4))
    return pair(written.replace("ne", "ue"), written.replace("rue", "roe"), number, split)


def test_pairs_survive_their_file_and_damage_is_named(tmp_path: Path) -> None:
    some = [pair("a", "b"), pair("", "x", 1), pair("éa", "é", 2, "val")]
    write_pairs(tmp_path / "p.jsonl", some)
    assert read_pairs([tmp_path / "p.jsonl"]) == some
    text = (tmp_path / "p.jsonl").read_text()
    for change, said in (
        (('"split": "val"', '"split": "test"'), "d.jsonl:4: a pair is of train or val, never of 'test'"),
        (("[0.9, 0.9]", "[0.9]"), "1 confidences for 2 characters"),
        (('"written"', '"truth"'), "not a pair"),
        (("amanuensis-pairs", "other"), "not a file of pairs"),
    ):
        (tmp_path / "d.jsonl").write_text(text.replace(*change))
        with pytest.raises(DataError, match=said):
            read_pairs([tmp_path / "d.jsonl"])


def test_mistakes_are_drawn_as_often_as_they_were_counted_in_their_own_group() -> None:
    pairs = [pair("aaaaaaaab ", "aaaaaaaaa ", n) for n in range(50)] + [pair("xx", "yx", 0, group="other")]
    patterns = error_patterns(pairs)
    assert patterns["toy"].rate == pytest.approx(0.1)
    assert set(patterns["toy"].mistakes) == {"a"}
    rng = np.random.default_rng(0)
    read, confidences = patterns["toy"].misread("a" * 20_000 + "y", rng)
    assert read.count("b") / 20_000 == pytest.approx(1 / 9, abs=0.01)
    assert read.endswith("y")
    assert len(confidences) == len(read)
    assert patterns["toy"].misread("aaa", rng, strength=0)[0] == "aaa"
    with pytest.raises(DataError, match="no pairs"):
        error_patterns([])


def test_missing_and_extra_characters_are_drawn_too() -> None:
    pattern = error_patterns([pair("bx", "ab", n) for n in range(20)])["toy"]
    read, _ = pattern.misread("ab" * 2000, np.random.default_rng(1))
    assert read.count("a") < 500
    assert read.count("x") > 200


def test_an_epoch_depends_on_seed_and_number_alone_and_val_lines_are_not_in_it() -> None:
    pairs = [mistaken(n, "train") for n in range(20)] + [mistaken(n, "val") for n in range(5)]
    source, again = (PairSource(pairs, injected=0.5, seed=3) for _ in range(2))
    assert source.epoch(2) == again.epoch(2)
    assert source.epoch(0) != source.epoch(1)
    assert {p.split for p in source.epoch(0)} == {"train"}
    assert sorted(p.written for p in source.epoch(0)) == sorted(p.written for p in pairs[:20])
    with pytest.raises(DataError, match="no train pairs"):
        PairSource(pairs[20:], injected=0.5, seed=3)


@given(st.text("abcd", max_size=8), st.text("abcd", max_size=8))
def test_labels_turn_what_was_read_into_what_is_written(read: str, written: str) -> None:
    """But for all but the first of several characters that are missing at one place."""
    code = code_of("abcd")
    edits, insertions = edit_labels(read, written, code)
    assert len(edits) == len(insertions) == len(read) + 1
    assert edits[0] == 0
    result = []
    for place, character in enumerate(["", *read]):
        result += ["" if edits[place] == 1 else "abcd"[edits[place] - 2] if edits[place] else character]
        result += ["abcd"[insertions[place] - 1]] if insertions[place] else []
    made = "".join(result)
    kept = iter(written)
    if not missing_twice(read, written):
        assert made == written
    else:
        assert all(character in kept for character in made)


def missing_twice(read: str, written: str) -> bool:
    places = [edit.src_pos for edit in Levenshtein.editops(read, written) if edit.tag == "insert"]
    return len(places) != len(set(places))


def test_what_the_network_cannot_write_is_left_as_it_was_read() -> None:
    assert edit_labels("ab", "aþ", code_of("ab")) == ([0, 0, 0], [0, 0, 0])


def test_an_untrained_tagger_is_the_identity() -> None:
    network = EditTagger(EditTaggerConfig(num_symbols=3, width=8)).eval()
    edits, insertions = network(torch.tensor([[4, 1, 2, 3, 0]]), torch.zeros(1, 5))
    assert edits.shape == (1, 5, 5)
    assert insertions.shape == (1, 5, 4)
    assert edits.argmax(2).eq(0).all()
    assert insertions.argmax(2).eq(0).all()


def test_a_tagger_learns_what_is_systematic_and_reads_the_same_from_its_graph(tmp_path: Path) -> None:
    pairs = [mistaken(n, "train") for n in range(160)] + [mistaken(n, "val") for n in range(30)]
    pairs = [
        Pair(p.id, p.group, p.page, p.split, p.written.replace("roe", "rue"), p.read, p.confidences)
        for p in pairs
    ]
    settings = CorrectorTraining(epochs=6, batch_size=8, learning_rate=5e-3)
    trained = train_tagger(pairs, tmp_path / "tagger", settings=settings)
    assert trained.best is not None
    assert trained.best.characters.rate < 0.5 * trained.best.before.rate
    correction = load_correction("tagger", corrector=tmp_path / "tagger")
    assert correction.theta == trained.best.theta
    [proposals] = correction.corrector.propose([pair("la luue du uord", "").segment])
    [long] = correction.corrector.propose([pair("la luue du uord" * 9, "").segment])
    assert [p.text for p in proposals if p.confidence > 0.5] == ["n"]
    assert len(long) >= 9


def test_a_tagger_that_does_not_help_is_not_written(tmp_path: Path) -> None:
    pairs = [pair("abc", "abc", n, split) for n in range(6) for split in ("train", "val")]
    trained = train_tagger(pairs, tmp_path / "tagger", settings=CorrectorTraining(epochs=1))
    assert trained.best is None
    assert not (tmp_path / "tagger").exists()
    with pytest.raises(DataError, match="no val pairs"):
        train_tagger(pairs[::2], tmp_path / "tagger", settings=CorrectorTraining(epochs=1))


def test_lines_of_any_length_are_tagged_as_if_alone() -> None:
    torch.manual_seed(0)
    network = EditTagger(EditTaggerConfig(num_symbols=2, width=8)).eval()
    torch.nn.init.normal_(network.edit.weight, std=3)
    network.edit.bias.data.zero_()

    def run(symbols: Any, sureness: Any) -> Any:
        with torch.inference_mode():
            return tuple(x.numpy() for x in network(torch.from_numpy(symbols), torch.from_numpy(sureness)))

    corrector = EditTaggerCorrector("ab", run)
    segments = [pair(text, "").segment for text in ("", "a", "abba", "b" * 30)]
    together = corrector.propose(segments)
    alone = [corrector.propose([segment])[0] for segment in segments]
    assert [[(p.start, p.end, p.text) for p in line] for line in together] == [
        [(p.start, p.end, p.text) for p in line] for line in alone
    ]


def test_a_folder_whose_parts_do_not_belong_together_is_refused(tmp_path: Path) -> None:
    graph = tagger_graph(EditTagger(EditTaggerConfig(num_symbols=3, width=8)))
    for name, symbols, files, said in (
        ("a", ["a", "b"], {TAGGER_FILE: graph}, "no edit tagger of 2 symbols"),
        ("b", ["a", "b", "c"], {}, "has no tagger.onnx"),
        ("c", "abc", {TAGGER_FILE: graph}, "name its symbols"),
    ):
        config = CorrectorConfig(kind="tagger", theta=0.9, settings={"symbols": symbols})
        write_corrector(tmp_path / name, config, files)
        with pytest.raises(ModelError, match=said):
            load_correction("tagger", corrector=tmp_path / name)
    with pytest.raises(ModelError, match="is of the kind tagger, not lexicon"):
        load_correction("lexicon", corrector=tmp_path / "a")
    with pytest.raises(ModelError, match="needs one"):
        load_correction("tagger")


@pytest.mark.graphs
def test_every_train_line_is_read_by_a_model_that_did_not_learn_it(
    recipe: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_by: dict[str, list[str]] = {}
    original = Recognizer.read_each

    def spying(self: Recognizer, sources: Any, **options: Any) -> Any:
        sources = list(sources)
        read_by.setdefault(current[0], []).extend(str(source.name) for source in sources)
        return original(self, sources, **options)

    loaded: list[str] = []
    load = Recognizer.load.__func__  # type: ignore[attr-defined]

    def loading(cls: Any, model: Any, **options: Any) -> Recognizer:
        loaded.append(str(model))
        current[0] = f"{len(loaded)}"
        return load(cls, model, **options)

    current = [""]
    monkeypatch.setattr(Recognizer, "read_each", spying)
    monkeypatch.setattr(Recognizer, "load", classmethod(loading))
    path = write_recipe(tmp_path / "r.toml", recipe)
    plan = CrossFit(str(path), 2, tmp_path / "runs", ("training.epochs=1",))
    list(cross_fit(plan, options=RunOptions(quiet=True)))
    assert [Path(name).parent.name for name in loaded[:2]] == ["fold-1", "fold-2"]
    first, second = (set(read_by.get(number, [])) for number in "12")
    assert not first & second
    assert len(first | second) == 7
    assert len(read_by["3"]) == 2  # val lines; the test line is nowhere


def test_pairs_are_not_made_of_formulas_nor_of_empty_folds(recipe: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="formulas"):
        list(cross_fit(CrossFit("math-small", 2, tmp_path), options=RunOptions(quiet=True)))
    path = write_recipe(tmp_path / "r.toml", recipe)
    with pytest.raises(DataError, match="holds no line"):
        list(
            cross_fit(
                CrossFit(str(path), 500, tmp_path / "runs", ("training.epochs=1",)),
                options=RunOptions(quiet=True),
            )
        )
