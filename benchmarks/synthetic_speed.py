"""How many synthetic lines a core makes in a second, by style: CPU time of this process, after a warm-up and without.

    python benchmarks/synthetic_speed.py --fonts FOLDER --corpus fr.txt.gz --corpus en.txt.gz --count 500

The first lines of a process are slower: fonts are opened and asked for their characters, letters are drawn for the
first time. `cold` are the first lines, `warm` as many after `--warm-up` others, both read from epochs of their own.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from pathlib import Path

from amanuensis.data.pens import find_fonts
from amanuensis.data.styles import STYLES
from amanuensis.data.synthetic import SyntheticLines


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fonts", type=Path, required=True)
    parser.add_argument("--corpus", type=Path, action="append", required=True)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--warm-up", type=int, default=2000)
    parser.add_argument("--style", action="append", choices=list(STYLES))
    arguments = parser.parse_args()
    corpora = {path.name.partition(".")[0]: path for path in arguments.corpus}
    results = {}
    for style in arguments.style or STYLES:
        lines = SyntheticLines(corpora, find_fonts(arguments.fonts), 1, style=style)
        cold = _lines_per_second(lines, 0, arguments.count)
        _lines_per_second(lines, 1, arguments.warm_up)
        results[style] = {
            "cold": round(cold),
            "warm": round(_lines_per_second(lines, 2, arguments.count)),
        }
    print(json.dumps({"lines_per_cpu_second": results, "machine": platform.processor(), "height": 64}))


def _lines_per_second(lines: SyntheticLines, epoch: int, count: int) -> float:
    start = time.process_time()
    for index in range(count):
        lines.sample(epoch, index)
    return count / (time.process_time() - start)


if __name__ == "__main__":
    main()
