"""How far normalized captions of CROHME's truth strings agree with the published captions.

python benchmarks/caption_agreement.py $AMANUENSIS_DATA/math/crohme --differences
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path

from amanuensis.latex import normalize_caption, tree_errors, without_limits

SPLITS = ("train", "test2013", "test2014", "test2016", "test2019")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="the folder with ink/*.jsonl.gz")
    parser.add_argument("--differences", action="store_true", help="list the captions that differ")
    arguments = parser.parse_args()
    report = {split: agreement(arguments.data, split, arguments.differences) for split in SPLITS}
    print(json.dumps(report, ensure_ascii=False))


def agreement(data: Path, split: str, differences: bool) -> dict[str, object]:
    """Counts of one split; `caption` says whether its captions are published or derived by another normalizer."""
    with gzip.open(data / "ink" / f"{split}.jsonl.gz", "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    equal = equal_without_limits = equal_trees = 0
    differing = []
    for record in records:
        ours = normalize_caption(record["latex"], [symbol["label"] for symbol in record["symbols"]])
        theirs = tuple(record["tokens"])
        equal += ours == theirs
        equal_without_limits += without_limits(ours) == without_limits(theirs)
        equal_trees += not tree_errors(ours, theirs)
        if ours != theirs:
            differing.append([record["id"], " ".join(theirs), " ".join(ours)])
    counts = {
        "captions": records[0]["caption"],
        "expressions": len(records),
        "equal": equal,
        "equal_without_limits": equal_without_limits,
        "equal_trees": equal_trees,
        "equal_ratio": round(equal / len(records), 4),
    }
    return counts | ({"differing": differing} if differences else {})


if __name__ == "__main__":
    main()
