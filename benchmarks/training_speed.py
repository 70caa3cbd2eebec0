"""Lines a second of an update (forward, backward, step): 64 x 800 pixels, batch 8, no augmentation.

python benchmarks/training_speed.py htr-jand-teacher-cpu --threads 2
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

import torch
from reference import gflops

from amanuensis.language import TextNormalization, Vocab
from amanuensis.models import build_network
from amanuensis.training.batches import Batch
from amanuensis.training.objectives import CtcObjective, InBfloat16, Objective

BATCH, WIDTH, CHARACTERS = 8, 800, 45
ALPHABET = Vocab([chr(0x4E00 + i) for i in range(103)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--updates", type=int, default=20)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    network = build_network(arguments.network).train().to(memory_format=torch.channels_last)
    objective: Objective = CtcObjective(ALPHABET, TextNormalization())
    if arguments.precision == "bf16":
        objective = InBfloat16(objective)
    optimizer = torch.optim.AdamW(network.parameters())
    height = network.config.height
    text = "".join(ALPHABET.symbols[i % 103] for i in range(CHARACTERS))
    batch = Batch(
        torch.rand(BATCH, 1, height, WIDTH) * 2 - 1,
        torch.tensor([[height, WIDTH]] * BATCH),
        (text,) * BATCH,
        ("",) * BATCH,
    )
    seconds = []
    for _ in range(arguments.updates + 3):
        began = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        (objective(network, batch, 0.5).total / BATCH).backward()
        optimizer.step()
        seconds.append(time.perf_counter() - began)
    median = statistics.median(seconds[3:])
    print(
        json.dumps(
            {
                "network": arguments.network,
                "threads": arguments.threads,
                "precision": arguments.precision,
                "lines_per_second": round(BATCH / median, 2),
                "seconds_per_update": round(median, 4),
                "reference_gflops": round(gflops(), 1),
            }
        )
    )


if __name__ == "__main__":
    main()
