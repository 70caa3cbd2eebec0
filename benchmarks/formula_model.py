"""What docs/benchmarks.md says of a formula model's accuracy.

    python benchmarks/formula_model.py models/mine
    python benchmarks/formula_model.py models/mine --against benchmarks/results/math-one-branch

It reads CROHME's test formulas, greedy and with the model's beam, writes the result files, and prints the tables'
rows in Markdown. All is done by `amanuensis` commands, which are told.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from commands import amanuensis, interval, percent

YEARS = {
    2014: "2014, published bitmaps",
    2016: "2016, published bitmaps",
    2019: "2019, drawn from the ink",
}
ERRORS = {
    "del": "lack something",
    "ins": "have something too much",
    "sub": "have something else",
    "str": "stand wrong",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="a model folder")
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("AMANUENSIS_DATA"), help="$AMANUENSIS_DATA"
    )
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results", metavar="DIR")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--against", metavar="PREFIX", help="another model's results: PREFIX-YEAR-SEARCH.jsonl"
    )
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("--data or $AMANUENSIS_DATA must say where the data sets are")
    crohme = Path(arguments.data) / "math" / "crohme"
    if not crohme.is_dir():
        parser.error(f"{crohme}: is no folder")
    if not (arguments.model / "config.json").is_file():
        parser.error(f"{arguments.model}: is no model folder")
    config = json.loads((arguments.model / "config.json").read_text(encoding="utf-8"))
    beam = config["decoder"]["beam"]
    searches = {f"beam{beam}": beam, "greedy": 1}
    rivals = {
        (search, year): Path(f"{arguments.against}-{year}-{search}.jsonl")
        for search in searches
        for year in YEARS
        if arguments.against
    }
    if missing := [path for path in rivals.values() if not path.is_file()]:
        parser.error(f"{missing[0]}: there is no such file")
    arguments.results.mkdir(parents=True, exist_ok=True)

    told = {}
    for search, width in searches.items():
        for year in YEARS:
            rival = rivals.get((search, year))
            told[search, year] = amanuensis(
                *("evaluate", crohme, "--split", f"test{year}", "-m", arguments.model, "--beam", width),
                *("--threads", arguments.threads),
                *("--results", arguments.results / f"{config['name']}-{year}-{search}.jsonl"),
                *(("--against", rival) if rival else ()),
            )
    print_accuracy(config["name"], told)
    print_errors(told[f"beam{beam}", 2014])
    if rivals:
        print_differences(told)


def print_accuracy(name: str, told: dict[tuple[str, int], dict[str, Any]]) -> None:
    print("| model | search | data | formulas | ExpRate | interval | <= 1 | <= 2 | tree | WER |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for (search, year), scores in told.items():
        counts = scores["counts"]
        shares = [
            f"{percent(counts[of]['ratio'], 1)} ({counts[of]['k']})" for of in ("exprate_1", "exprate_2")
        ]
        print(
            f"| `{name}` | {spoken(search)} | {YEARS[year]} | {scores['n']:,} | {percent(scores['exprate'], 1)} "
            f"({counts['exprate']['k']}) | {interval(scores['exprate_interval'])} | {' | '.join(shares)} "
            f"| {percent(scores['exprate_tree'], 1)} | {percent(scores['wer'], 1)} |"
        )


def print_errors(scores: dict[str, Any]) -> None:
    """Of one reading: what is wrong with the formulas that are wrong, and how many by length."""
    errors, counts = scores["errors"], scores["counts"]["wrong_by_length"]
    kinds = ", ".join(f"{errors[kind]} {said}" for kind, said in ERRORS.items())
    lengths = ", ".join(f"{length}: {percent(counted['ratio'], 0)} %" for length, counted in counts.items())
    print(f"\nOf {scores['n']} formulas {errors['total']} are wrong: {kinds}. Wrong by length, {lengths}.")


def print_differences(told: dict[tuple[str, int], dict[str, Any]]) -> None:
    print("\n| data | search | this | other | right with this only | right with the other only | p |")
    print("| --- | --- | ---: | ---: | ---: | ---: | --- |")
    for (search, year), scores in told.items():
        against, n = scores["against"], scores["n"]
        print(
            f"| {year} | {spoken(search)} | {scores['counts']['exprate']['k']} | {round(against['exprate'] * n)} "
            f"| {against['only_this']} | {against['only_other']} | {against['p_value']:.2g} |"
        )


def spoken(search: str) -> str:
    return search.replace("beam", "beam of ")


if __name__ == "__main__":
    main()
