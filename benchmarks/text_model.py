"""What docs/benchmarks.md and a card say of a text model: accuracy, language models, confidence.

    python benchmarks/text_model.py models/mine --fit
    python benchmarks/text_model.py models/mine --against benchmarks/results/text-small-open-test.jsonl

The first looks at validation lines alone: it weighs the language models that come along, calibrates every way of
reading, and keeps both in the model's folder. The second reads test lines, greedy and with language models, writes
their result files, and prints the tables' rows in Markdown. All is done by `amanuensis` commands, which are told.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from commands import amanuensis, interval, percent

LANGUAGES = {"fra": "French", "eng": "English", "lat": "Latin"}
MARKS = {"fra": "-fr-", "eng": "-en-", "lat": "-la-"}  # in the names of data sets
UNSEEN = "doniau-danest-fr-1914"  # neither trained nor validated on
MEDIEVAL = "htromance-la-medieval"
MADE_UP = {"german": "de", "french": "fr"}  # synthetic: a language that no model learned, and one to compare


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="a model folder")
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("AMANUENSIS_DATA"), help="$AMANUENSIS_DATA"
    )
    parser.add_argument("--fit", action="store_true", help="weigh and calibrate on validation lines; no test")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results", metavar="DIR")
    parser.add_argument(
        "--against", type=Path, metavar="FILE", help="another model's results on open/*, test"
    )
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("--data or $AMANUENSIS_DATA must say where the data sets are")
    sets = sorted(path.parent for path in Path(arguments.data).glob("open/*/labels.tsv"))
    sets = [folder for folder in sets if folder.name != UNSEEN]
    if not sets:
        parser.error(f"{arguments.data}: there is no open/*/labels.tsv")
    if not (arguments.model / "config.json").is_file():
        parser.error(f"{arguments.model}: is no model folder")
    if arguments.fit:
        fit(arguments.model, sets)
    else:
        Measurement(arguments.model, arguments.data, sets, arguments.results).tell(arguments.against)


def of_language(sets: list[Path], code: str) -> list[Path]:
    """Those that are written in a language."""
    return [folder for folder in sets if MARKS[code] in folder.name]


def fit(model: Path, sets: list[Path]) -> None:
    """Weigh the language models and calibrate on validation lines; print the weights' table."""
    for decoder in ("best-path", "prefix-beam"):
        amanuensis("calibrate", model, *sets, "--decoder", decoder, "--save")
    for code in LANGUAGES:
        amanuensis("lm", "tune", model, *of_language(sets, code), "--language", code, "--save")
        if code not in tuned_languages(model):
            continue  # every weight harms more than it may
        # Few lines are Latin: its maps lean on the French ones, which are fitted before.
        toward = ("--toward", "fra") if code == "lat" else ()
        amanuensis("calibrate", model, *of_language(sets, code), "--language", code, *toward, "--save")
    tuned = json.loads((model / "config.json").read_text(encoding="utf-8"))["scores"]["language_models"]
    print(
        "| validation lines | lines | weight, bonus, margin | CER %, greedy | + LM "
        "| harmed / right | harm % | at most % |"
    )
    print("| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |")
    for code in tuned_languages(model):
        language, without, best = LANGUAGES[code], tuned[code]["without"], tuned[code]["with"]
        print(
            f"| {language} | {best['lines']} | {best['weight']:g}, {best['bonus']:g}, {best['margin']:g} "
            f"| {percent(without['cer'])} | {percent(best['cer'])} | {best['harmed']} / {best['right_words']:,} "
            f"| {percent(best['harm'])} | {percent(best['harm_bound'])} |"
        )


def tuned_languages(model: Path) -> list[str]:
    """The languages that a language model was kept for."""
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    return [code for code in LANGUAGES if code in config.get("language_decoders", {})]


class Measurement:
    """The test lines of a model, read and scored."""

    def __init__(self, model: Path, data: Path, sets: list[Path], results: Path) -> None:
        self.model = model
        self.data = data
        self.sets = sets
        self.results = results
        self.name = json.loads((model / "config.json").read_text(encoding="utf-8"))["name"]

    def tell(self, rival: Path | None) -> None:
        """Read everything, print every table."""
        greedy = self.read("open-test", *self.sets, "--without", MEDIEVAL)
        unseen = self.read("doniau", self.data / "open" / UNSEEN, split=None)
        histories = {
            f"{name}, test": self.read(f"{name}-test", self.data / "text" / name)
            for name in ("washington", "saintgall")
        }
        made_up = {f"300 synthetic lines, {name}": self.made_up(name, code) for name, code in MADE_UP.items()}
        languages = {
            code: self.read(f"{code}-lm-test", *of_language(self.sets, code), language=code)
            for code in tuned_languages(self.model)
        }
        print(
            "| data | lines | CER % | interval | WER % | SER % |\n| --- | ---: | ---: | --- | ---: | ---: |"
        )
        print(accuracy("open/*, test", greedy))
        print(accuracy(f"without {MEDIEVAL}", greedy["without"]))
        for name, scores in (greedy["sets"] | {UNSEEN: unseen} | histories).items():
            print(accuracy(name, scores))
        if rival is not None:
            print("\nAgainst", rival.name, difference(self.again("open-test", rival, *self.sets)["against"]))
        print(
            "\n| set | lines | CER %, greedy | + LM | interval | difference | harmed / right | harm % | rescued |"
        )
        print("| --- | ---: | ---: | ---: | --- | --- | ---: | ---: | ---: |")
        before = self.file("open-test")
        for code in languages:
            language, folders = LANGUAGES[code], of_language(self.sets, code)
            for name, chosen in (
                (f"**{language}**", folders),
                *((folder.name, [folder]) for folder in folders),
            ):
                print(compared(name, self.again(f"{code}-lm-test", before, *chosen)))
        print("\n| lines | n | ECE words | interval | claimed | right | ECE characters | ECE lines |")
        print("| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: |")
        told = {f"{LANGUAGES[code]} with its language model": scores for code, scores in languages.items()}
        for name, scores in ({"open/*, test": greedy, UNSEEN: unseen} | histories | made_up | told).items():
            print(confidence(name, scores))

    def file(self, what: str) -> Path:
        """Where a result file lies."""
        return self.results / f"{self.name}-{what}.jsonl"

    def read(
        self, what: str, *words: object, split: str | None = "test", language: str | None = None
    ) -> dict[str, Any]:
        """Read and score lines; the result file is replaced."""
        of_split = () if split is None else ("--split", split)
        reading = ("--lm", "none") if language is None else ("--language", language)
        self.results.mkdir(parents=True, exist_ok=True)
        return amanuensis(
            "evaluate", *words, *of_split, "-m", self.model, *reading, "--results", self.file(what)
        )

    def again(self, what: str, against: Path, *sets: Path) -> dict[str, Any]:
        """Score what was read, against another reading of the same lines."""
        found = ("--from-results", self.file(what), "--against", against)
        return amanuensis("evaluate", *sets, "--split", "test", *found)

    def made_up(self, name: str, code: str) -> dict[str, Any]:
        """Read 300 synthetic lines of a language, which are always the same."""
        with tempfile.TemporaryDirectory() as folder:
            lines = Path(folder) / f"synth-{code}"
            corpus = f"{code}={self.data / 'corpora' / f'{code}.txt.gz'}"
            made = {"--corpus": corpus, "--fonts": self.data / "fonts", "--style": "archive", "--count": 300}
            words = [f"{word}" for option in {**made, "-o": lines}.items() for word in option]
            subprocess.run(["amanuensis", "data", "synth", *words, "--quiet"], check=True)
            return self.read(f"synthetic-{name}", lines, split=None)


def accuracy(name: str, scores: dict[str, Any]) -> str:
    numbers = (percent(scores["cer"]), interval(scores["cer_interval"]), percent(scores["wer"], 1))
    return f"| {name} | {scores['n']} | {' | '.join(numbers)} | {percent(scores['ser'], 1)} |"


def difference(against: dict[str, Any]) -> str:
    bounds = against["interval"] and " to ".join(f"{100 * bound:+.2f}" for bound in against["interval"])
    return f"{100 * against['difference']:+.2f}" + (f" ({bounds})" if bounds else "")


def compared(name: str, scores: dict[str, Any]) -> str:
    against = scores["against"]
    return (
        f"| {name} | {scores['n']} | {percent(against['cer'])} | {percent(scores['cer'])} "
        f"| {interval(scores['cer_interval'])} | {difference(against)} | {against['harmed_words']} / "
        f"{against['right_words']:,} | {percent(against['harm_rate'])} | {against['rescued_words']} |"
    )


def confidence(name: str, scores: dict[str, Any]) -> str:
    words, others = scores["calibration"]["words"], ("characters", "lines")
    claimed, right = (
        sum(a_bin["n"] * a_bin[of] for a_bin in words["bins"]) / words["n"] for of in ("confidence", "right")
    )
    eces = " | ".join(percent(scores["calibration"][other]["ece"], 1) for other in others)
    return (
        f"| {name} | {scores['n']} ({words['n']:,} words) | {percent(words['ece'], 1)} "
        f"| {interval(words['ece_interval'])} | {percent(claimed, 1)} | {percent(right, 1)} | {eces} |"
    )


if __name__ == "__main__":
    main()
