"""Makes bot/knowledge/cross_encoder.npz: low-rank changes that turn the embedder into a cross-encoder.

    python -m benchmarks.cross_encoder_data DATA_FOLDER examples.pkl.xz
    python benchmarks/train_cross_encoder.py examples.pkl.xz OUT_FOLDER [--leave-out cmrc2018 | --fold 0]

Needs numpy and torch and nothing of ours: a minute on an NVIDIA H100, hours without an accelerator. Each question
stands with a text that answers it and with seven that do not: the best of the search (so that words and subject
agree), the right passage without its answer, and what a question of another set finds. Two losses: each text alone
(does it answer?) and all together (which one?). To the score that is learned the search's own by-products are added
with weights that are learned too and then thrown away, so that the score is what the search does not know yet.

``--leave-out`` and ``--fold`` train on less, for honest figures: scores of questions that were not trained on.
"""

# mypy: disable-error-code="misc,no-any-return,no-untyped-call,import-not-found"

import argparse
import lzma
import math
import pickle
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch  # not needed to run the product, so not among its requirements
from torch import nn
from torch.nn import functional

LAYERS, HIDDEN, HEADS = 12, 384, 12
RANK = 16
MATRICES = ("q", "k", "v", "ao", "fi", "fo")
QUESTION_PIECES, MOST_PIECES = 128, 448  # as bot/knowledge/cross_encoder.py reads
EPOCHS, BATCH, NEGATIVES, POOL = 2, 24, 7, 20
RATE, HEAD_RATE = 4.2e-4, 1e-3
A_SET, FOREIGN, WINDOWS = 700, 120, 2000
"""Most questions of a variant, foreign questions put to it, and windows in all, an epoch."""
FULL_COVERAGE = 0.3
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"

Example = tuple[Any, list[Any], list[Any], list[list[float]]]
"""A question, the text that answers it (or none), texts that do not, and the search's by-products of each text."""


class Adapted(nn.Module):
    """A matrix of the wheel that stays, and a low-rank change that is learned."""

    def __init__(self, weight: Any, bias: Any) -> None:
        super().__init__()
        self.register_buffer("weight", torch.tensor(weight, dtype=torch.float32), persistent=False)
        self.register_buffer("bias", torch.tensor(bias, dtype=torch.float32), persistent=False)
        self.a = nn.Parameter(torch.randn(RANK, weight.shape[1]) / math.sqrt(weight.shape[1]))
        self.b = nn.Parameter(torch.zeros(weight.shape[0], RANK))

    def forward(self, states: Any) -> Any:
        change = functional.linear(functional.linear(states, self.a), self.b)
        return functional.linear(states, self.weight, self.bias) + change


class Layer(nn.Module):
    """One layer of BERT, norms after the sums."""

    def __init__(self, state: dict[str, Any], at: int) -> None:
        super().__init__()
        self.parts = nn.ModuleDict({m: Adapted(state[f"l{at}.{m}.w"], state[f"l{at}.{m}.b"]) for m in MATRICES})
        self.first, self.second = (_norm(state, f"l{at}.{name}") for name in ("aln", "oln"))

    def forward(self, states: Any, seen: Any) -> Any:
        many, longest, _ = states.shape

        def heads(name: str) -> Any:
            return self.parts[name](states).view(many, longest, HEADS, HIDDEN // HEADS).transpose(1, 2)

        mixed = functional.scaled_dot_product_attention(heads("q"), heads("k"), heads("v"), attn_mask=seen)
        mixed = self.parts["ao"](mixed.transpose(1, 2).reshape(many, longest, HIDDEN))
        states = self.first(states + functional.dropout(mixed, 0.1, self.training))
        wide = self.parts["fo"](functional.gelu(self.parts["fi"](states)))
        return self.second(states + functional.dropout(wide, 0.1, self.training))


class CrossEncoder(nn.Module):
    """The encoder with its head; ``by_products`` is the part that is thrown away."""

    def __init__(self, read: dict[str, Any]) -> None:
        super().__init__()
        state = read["state"]
        self.marks = read["marks"]
        self.layers = nn.ModuleList([Layer(state, at) for at in range(LAYERS)])
        self.norm = _norm(state, "emb.ln")
        for name, value in (("words", read["embeddings"]), ("positions", state["emb.pos"].reshape(-1, HIDDEN))):
            self.register_buffer(name, torch.tensor(np.array(value), dtype=torch.float32), persistent=False)
        kind = torch.tensor(state["emb.type"][:HIDDEN], dtype=torch.float32)
        self.register_buffer("kind", kind, persistent=False)
        self.segments = nn.Parameter(torch.zeros(2, HIDDEN))
        self.head = nn.Linear(2 * HIDDEN, 1)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)
        self.by_products = nn.Linear(5, 1)
        self.by_products.weight.data.copy_(torch.tensor([[3.0, 0.5, 1.0, 0.0, 0.3]]))
        self.by_products.bias.data.fill_(-3.0)

    def states(self, ids: Any, segments: Any = 0) -> Any:
        """Last states of padded ``ids``."""
        seen = (ids != self.marks["padding"])[:, None, None, :]
        states = self.norm(self.words[ids] + self.positions[: ids.shape[1]] + self.kind + segments)
        for layer in self.layers:
            states = layer(states, seen)
        return states.float()

    def forward(self, pairs: list[tuple[Any, Any]]) -> Any:
        """A score for each (question, text)."""
        asked = [[self.marks["begin"], *question[:QUESTION_PIECES], self.marks["end"]] for question, _ in pairs]
        told = [
            [*text[: MOST_PIECES - len(a) - 1], self.marks["end"]] for a, (_, text) in zip(asked, pairs, strict=True)
        ]
        ids = self.padded([a + t for a, t in zip(asked, told, strict=True)])
        lengths = torch.tensor([len(a) for a in asked], device=ids.device)
        of_text = torch.arange(ids.shape[1], device=ids.device)[None] >= lengths[:, None]
        states = self.states(ids, torch.where(of_text[..., None], self.segments[1], self.segments[0]))
        question = (states * ~of_text[..., None]).sum(1) / lengths[:, None]
        return self.head(torch.cat([states[:, 0], question], -1)).squeeze(-1)

    def padded(self, lists: list[list[int]]) -> Any:
        """``lists`` side by side."""
        longest = -(-max(map(len, lists)) // 16) * 16
        ids = np.full((len(lists), longest), self.marks["padding"], dtype=np.int64)
        for row, pieces in zip(ids, lists, strict=True):
            row[: len(pieces)] = pieces
        return torch.from_numpy(ids).to(DEVICE)

    def vectors(self, lists: list[Any], prefix: Any) -> Any:
        """What the embedder makes of ``lists``: before any training the change is nothing."""
        order = sorted(range(len(lists)), key=lambda at: len(lists[at]))
        found = np.zeros((len(lists), HIDDEN), dtype=np.float32)
        for start in range(0, len(order), 128):
            chosen = order[start : start + 128]
            rows = [[self.marks["begin"], *prefix, *lists[at][:500], self.marks["end"]] for at in chosen]
            ids = self.padded(rows)
            with torch.no_grad(), torch.autocast(DEVICE, torch.bfloat16):
                states = self.states(ids)
            kept = (ids != self.marks["padding"])[..., None]
            found[chosen] = functional.normalize((states * kept).sum(1) / kept.sum(1), dim=-1).cpu().numpy()
        return found

    def save(self, path: Path) -> None:
        """The changes and the head, as the product reads them."""
        arrays = {
            f"l{at}.{name}.{part}": getattr(layer.parts[name], part).detach().cpu().numpy().astype(np.float16)
            for at, layer in enumerate(self.layers)
            for name in MATRICES
            for part in ("a", "b")
        }
        head = {"head.w": self.head.weight[0], "head.b": self.head.bias, "segments": self.segments}
        np.savez(path, **arrays, **{name: value.detach().cpu().numpy() for name, value in head.items()})


def _norm(state: dict[str, Any], name: str) -> Any:
    norm = nn.LayerNorm(HIDDEN, eps=1e-12)
    norm.weight.data, norm.bias.data = (torch.tensor(np.array(state[f"{name}.{part}"])).float() for part in ("w", "b"))
    return norm.requires_grad_(False)


def search(model: CrossEncoder, read: dict[str, Any]) -> None:
    """Adds to each set the cosines, and for each question its best texts with their fused scores."""
    query, passage = read["prefixes"]
    for one in read["sets"].values():
        one["text vectors"] = model.vectors(one["texts"], passage)
        one["question vectors"] = model.vectors(one["questions"], query)
        one["cosines"] = one["question vectors"] @ one["text vectors"].T
        one["pool"] = []
        for (best, scores), coverage, cosines in zip(one["lexical"], one["coverage"], one["cosines"], strict=True):
            lexical = np.zeros(len(cosines), dtype=np.float32)
            lexical[best] = scores
            gate = min(1.0, coverage / FULL_COVERAGE)
            fused = 0.5 * gate * _scaled(lexical, 60) + 0.5 * _scaled(cosines, 100)
            order = np.argsort(-fused, kind="stable")[:POOL]
            one["pool"].append({int(at): (float(fused[at]), float(lexical[at])) for at in order})


def _scaled(scores: Any, depth: int) -> Any:
    depth = min(depth, len(scores) - 1)
    worst = np.partition(scores, -depth - 1)[-depth - 1]
    spread = scores.max() - worst
    return np.clip((scores - worst) / spread, 0, 1) if spread > 0 else np.zeros_like(scores)


def by_products(one: dict[str, Any], question: int, text: int) -> list[float]:
    """What the search knows of ``text``: fused score, cosine, words, coverage, and the cosine's lead."""
    pool, cosines = one["pool"][question], one["cosines"][question]
    fused, lexical = pool.get(text, (0.0, 0.0))
    most = max(1e-6, *(score for _, score in pool.values()))
    rivals = [cosines[other] for other in list(pool)[:4] if other != text]
    lead = 20 * (cosines[text] - max(rivals)) if rivals else 0.0
    return [fused, 20 * (cosines[text] - 0.85), lexical / most, one["coverage"][question], lead]


def examples(read: dict[str, Any], names: list[str], held_out: Any, dice: random.Random) -> list[Example]:
    """One epoch."""
    made: list[Example] = []
    for name in names:
        one = read["sets"][name]
        numbers = [n for n, right in enumerate(one["positives"]) if right and not held_out(n)]
        dice.shuffle(numbers)
        for number in numbers[:A_SET] * (2 if name == "tidb" else 1):
            right = dice.choice(one["positives"][number])
            wrong = [at for at in one["pool"][number] if at not in one["positives"][number]][:12]
            rest = wrong[2:]
            dice.shuffle(rest)
            chosen = [right, *(wrong[:2] + rest)[:NEGATIVES]]
            texts = [one["texts"][at] for at in chosen]
            known = [by_products(one, number, at) for at in chosen]
            if len(texts) > 1:
                made.append((one["questions"][number], texts[:1], texts[1:], known))
        others = [other for other in names if read["groups"][other] != read["groups"][name]]
        made += [_foreign(one, read["sets"][dice.choice(others)], dice) for _ in range(FOREIGN if others else 0)]
    windows = [w for w in read["windows"] if w[0] in names and not held_out(w[1])]
    dice.shuffle(windows)
    for name, number, with_it, without in windows[:WINDOWS]:
        one = read["sets"][name]
        other = dice.choice([at for at in one["pool"][number] if at not in one["positives"][number]][:6])
        known = [by_products(one, number, at) for at in (one["positives"][number][0],) * 2 + (other,)]
        cut = dice.choice([100, 250, 400])
        made.append((one["questions"][number], [with_it], [without, one["texts"][other][:cut]], known))
    dice.shuffle(made)
    return made


def _foreign(one: dict[str, Any], other: dict[str, Any], dice: random.Random) -> Example:
    """A question of another set, with what it finds."""
    number = dice.randrange(len(other["questions"]))
    cosines = one["text vectors"] @ other["question vectors"][number]
    near = np.argsort(-cosines)[:5]
    known = [
        [1.0 if at == 0 else 0.6, 20 * (cosines[text] - 0.85), 1.0 if at == 0 else 0.5, dice.uniform(0.05, 0.4),
         20 * (cosines[text] - cosines[near[1 if at == 0 else 0]])]
        for at, text in enumerate(near[:4])
    ]  # fmt: skip
    return other["questions"][number], [], [one["texts"][at] for at in near[:4]], known


def train(model: CrossEncoder, epochs: list[list[Example]]) -> None:
    """Learn from ``epochs``."""
    named = [(name, value) for name, value in model.named_parameters() if value.requires_grad]
    groups = [[v for n, v in named if n.endswith((".a", ".b"))], [v for n, v in named if not n.endswith((".a", ".b"))]]
    rates = (RATE, HEAD_RATE)
    optimiser = torch.optim.AdamW([{"params": group} for group in groups], weight_decay=0.01, betas=(0.9, 0.98))
    batches = [epoch[at : at + BATCH] for epoch in epochs for at in range(0, len(epoch), BATCH)]
    model.train()
    for step, batch in enumerate(batches):
        pace = min(1.0, (step + 1) / (0.1 * len(batches))) * max(0.02, 1 - step / len(batches))
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * pace
        pairs = [(question, text) for question, right, wrong, _ in batch for text in right + wrong]
        labels = torch.tensor([float(at < len(r)) for _, r, w, _ in batch for at in range(len(r + w))], device=DEVICE)
        asked = torch.tensor([n for n, (_, r, w, _) in enumerate(batch) for _ in r + w], device=DEVICE)
        known = torch.tensor([row for *_, rows in batch for row in rows], device=DEVICE, dtype=torch.float32)
        with torch.autocast(DEVICE, torch.bfloat16):
            scores = model(pairs)
        scores = scores.float() + model.by_products(known).squeeze(-1)
        zeros = torch.zeros(len(batch), device=DEVICE)
        weights = torch.where(labels > 0, 1.0, 1 / zeros.index_add(0, asked, 1 - labels)[asked])
        alone = functional.binary_cross_entropy_with_logits(scores, labels, reduction="none")
        loss = (alone * weights).sum() / len(batch) / 2
        if (labels > 0).any():
            together = torch.log(zeros.index_add(0, asked, scores.exp().clamp(max=1e8)))
            loss = loss - 0.5 * (scores - together[asked])[labels > 0].mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_([value for group in groups for value in group], 1.0)
        optimiser.step()
        if step % 50 == 0:
            sys.stdout.write(f"step {step} of {len(batches)}: loss {loss.item():.3f}\n")


def main(arguments: list[str]) -> None:
    """Train and write ``OUT_FOLDER/cross_encoder….npz``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("examples", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--leave-out", default="")
    parser.add_argument("--fold", type=int, choices=(0, 1))
    options = parser.parse_args(arguments)
    torch.manual_seed(0)
    dice = random.Random(0)
    read = pickle.loads(lzma.decompress(options.examples.read_bytes()))  # noqa: S301 - our own file
    names = [name for name in read["sets"] if read["groups"][name] != options.leave_out]

    def held_out(question: int) -> bool:
        return read["folds"][question] == options.fold

    model = CrossEncoder(read).to(DEVICE).eval()
    search(model, read)
    train(model, [examples(read, names, held_out, dice) for _ in range(EPOCHS)])
    kept = options.leave_out or ("" if options.fold is None else f"fold{options.fold}")
    model.save(options.out / f"cross_encoder{'-' if kept else ''}{kept}.npz")


if __name__ == "__main__":
    main(sys.argv[1:])
