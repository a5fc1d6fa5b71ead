"""Trains atos-nano. The number of steps is fixed, not the time: the same command gives the same weights."""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from model import CONTEXT, Nano, Shape
from samples import STAGES, Lesson, sample
from tokenizer import Tokenizer

Row = tuple[list[int], list[bool]]
POOL = 192


class Muon(torch.optim.Optimizer):
    """Momentum whose update is made nearly orthogonal by five Newton-Schulz steps (Jordan et al., 2024).

    Fused matrices (query, key and value; gate and up) are treated as the square parts they hold.
    """

    def __init__(self, weights: list[Tensor], rate: float) -> None:
        super().__init__(weights, {"lr": rate})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for weight in group["params"]:
                momentum = self.state[weight].setdefault("momentum", torch.zeros_like(weight))
                momentum.mul_(0.95).add_(weight.grad)
                update = weight.grad.add(momentum, alpha=0.95)
                rows, columns = weight.shape
                parts = rows // columns if rows > columns and rows % columns == 0 else 1
                for part, target in zip(update.chunk(parts), weight.data.chunk(parts)):
                    scale = max(1.0, part.shape[0] / part.shape[1]) ** 0.5
                    target.mul_(1 - 0.02 * group["lr"]).add_(orthogonal(part), alpha=-group["lr"] * scale)


def orthogonal(matrix: Tensor) -> Tensor:
    x = matrix / (matrix.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    x = x.t() if tall else x
    for _ in range(5):
        gram = x @ x.t()
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x.t() if tall else x


def batches(tokenizer: Tokenizer, r: random.Random, lesson: Lesson) -> list[list[Row]]:
    """Fresh samples, sorted by length so that little is padding, in batches in a shuffled order."""
    pool = sorted((tokenizer.encode_turns(sample(r, lesson)) for _ in range(POOL)), key=lambda row: len(row[0]))
    made: list[list[Row]] = [[]]
    for row in pool:
        if len(row[0]) > CONTEXT:
            continue
        if made[-1] and (len(made[-1]) + 1) * len(row[0]) > lesson.batch_tokens:
            made.append([])
        made[-1].append(row)
    r.shuffle(made)
    return made


def stream(tokenizer: Tokenizer, r: random.Random, lessons: tuple[Lesson, ...]) -> Iterator[list[Row]]:
    """One batch a step, for ever. A lesson that ends cuts its pool short."""
    step = 0
    for lesson in lessons:
        while step < lesson.until:
            for rows in batches(tokenizer, r, lesson)[: int(min(lesson.until - step, POOL))]:
                yield rows
                step += 1


def tensors(rows: list[Row]) -> tuple[Tensor, Tensor]:
    length = max(len(ids) for ids, _ in rows)
    ids = torch.zeros(len(rows), length, dtype=torch.long)
    trained = torch.zeros(len(rows), length, dtype=torch.bool)
    for index, (row, mask) in enumerate(rows):
        ids[index, : len(row)] = torch.tensor(row)
        trained[index, : len(mask)] = torch.tensor(mask)
    return ids, trained


def learning_rate(step: int, fall_steps: int) -> float:
    """A share of the peak: a short warm-up, then flat, or down in a straight line where there are `fall_steps`."""
    fall = 1.0 if fall_steps == 0 else max(0.02, 1 - step / fall_steps)
    return min(1.0, (step + 1) / 60) * fall


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--stage", choices=list(STAGES), required=True, help="what is trained on")
    parser.add_argument("--start", help="weights to go on from")
    parser.add_argument("--peak", type=float, default=1.0, help="a share of the full learning rate")
    parser.add_argument("--fall", type=int, default=0, help="steps in which the learning rate would fall to nothing; 0: it stays")
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--hidden", type=int, default=384)
    parser.add_argument("--save-every", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    torch.use_deterministic_algorithms(True)
    r = random.Random(args.seed)
    with open(args.tokenizer) as file:
        tokenizer = Tokenizer(json.load(file))
    model = Nano(Shape(len(tokenizer.tokens), args.width, args.layers, args.heads, args.hidden))
    before = {"steps": 0, "tokens": 0, "cpu_seconds": 0.0}
    if args.start is not None:
        before = torch.load(args.start)
        model.load_state_dict(before["weights"])
    matrices = [w for n, w in model.named_parameters() if w.dim() > 1 and n != "embedding.weight"]
    vectors = [w for w in model.parameters() if w.dim() < 2]
    adam = torch.optim.AdamW([{"params": [model.embedding.weight], "weight_decay": 0.05}, {"params": vectors, "weight_decay": 0.0}], lr=3e-3, betas=(0.9, 0.98), eps=1e-9)
    muon = Muon(matrices, 0.02)
    print(f"{sum(w.numel() for w in model.parameters())} parameters", flush=True)

    rows = stream(tokenizer, r, STAGES[args.stage])
    started, seen, total, count = time.monotonic(), 0, 0.0, 0
    for step in range(args.steps):
        share = args.peak * learning_rate(step, args.fall)
        for group in adam.param_groups:
            group["lr"] = 3e-3 * share
        muon.param_groups[0]["lr"] = 0.02 * share
        ids, trained = tensors(next(rows))
        wanted = trained[:, 1:]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model(ids[:, :-1], wanted)
        loss = functional.cross_entropy(logits.float(), ids[:, 1:][wanted])
        model.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()
        muon.step()
        seen += ids.numel()
        total += loss.item()
        count += 1
        if (step + 1) % 100 == 0:
            seconds = time.monotonic() - started
            print(f"step {step + 1}/{args.steps}  loss {total / count:.4f}  {seen / 1e6:.2f} M tokens  {seen / seconds:.0f} tokens/s  {seconds:.0f} s", flush=True)
            total, count = 0.0, 0
        if (step + 1) % args.save_every == 0 or step + 1 == args.steps:
            torch.save({"shape": model.shape.as_dict(), "weights": model.state_dict(), "seed": args.seed, "steps": before["steps"] + step + 1,
                        "tokens": before["tokens"] + seen, "cpu_seconds": before["cpu_seconds"] + time.process_time()}, args.out)
    print(f"done: {seen} tokens, {time.process_time():.0f} CPU seconds")


if __name__ == "__main__":
    main()
