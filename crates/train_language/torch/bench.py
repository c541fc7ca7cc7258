"""Tokens a second of `train.py` beside a plain PyTorch program, on the GPU of this machine.

    python3 crates/train_language/torch/bench.py FOLDER [--steps N] [--checkpoint-every N]

Makes a token shard in FOLDER (120 MB, frequencies of text), then times: a plain GPT-2 of 124 million parameters as a
tutorial writes it (autocast, compiled, fused AdamW, clipping, tokens already on the GPU, no checkpoints); `train.py` with
a Llama of the same sizes, its loader and its checkpoints, from step 100 to the end; the plain program again.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

LAYERS, WIDTH, HEADS, LENGTH, BATCH, VOCABULARY = 12, 768, 12, 1024, 16, 50304
TOKENS = 60_000_000


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x):
        batch, length, _ = x.shape
        q, k, v = (
            part.view(batch, length, HEADS, -1).transpose(1, 2) for part in self.qkv(self.norm1(x)).split(WIDTH, 2)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(batch, length, WIDTH))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))


class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.places = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(LENGTH, WIDTH)
        self.blocks, self.norm = nn.ModuleList(Block() for _ in range(LAYERS)), nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, VOCABULARY, bias=False)
        self.head.weight = self.tokens.weight
        self.apply(lambda m: nn.init.normal_(m.weight, std=0.02) if isinstance(m, (nn.Linear, nn.Embedding)) else None)

    def forward(self, tokens, targets):
        x = self.tokens(tokens) + self.places(torch.arange(tokens.shape[1], device=tokens.device))
        for block in self.blocks:
            x = block(x)
        return F.cross_entropy(self.head(self.norm(x)).view(-1, VOCABULARY), targets.view(-1))


def plain(tokens):
    """Median tokens a second of five times 40 steps, after 20."""
    torch.set_float32_matmul_precision("high")
    model = torch.compile(Plain().cuda())
    optimizer = torch.optim.AdamW(model.parameters(), lr=6e-4, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    blocks = torch.from_numpy(tokens[: BATCH * 64 * LENGTH + 1].astype(np.int64)).cuda()
    step, speeds = 0, []
    for steps in [20] + [40] * 5:
        torch.cuda.synchronize()
        begin = time.perf_counter()
        for _ in range(steps):
            first = step % 64 * BATCH * LENGTH
            batch = blocks[first : first + BATCH * LENGTH + 1]
            with torch.autocast("cuda", dtype=torch.bfloat16):
                loss = model(batch[:-1].view(BATCH, LENGTH), batch[1:].view(BATCH, LENGTH))
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            step += 1
        torch.cuda.synchronize()
        speeds.append(steps * BATCH * LENGTH / (time.perf_counter() - begin))
    print(f"plain, compiled: {statistics.median(speeds[1:]):,.0f} tokens/s, loss {loss.item():.3f}", flush=True)


def ours(folder, steps, every):
    """Tokens a second from step 100 to the last line, and the median of the reports."""
    config = {
        "model": {
            "model_type": "llama", "vocab_size": VOCABULARY, "hidden_size": WIDTH, "intermediate_size": 2048,
            "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "rms_norm_eps": 1e-5, "tie_word_embeddings": True,
            "max_position_embeddings": LENGTH,
        },
        "train_tokens": str(folder / "tokens"), "run_dir": str(folder / "run"), "model_dir": str(folder / "model"),
        "sequence_length": LENGTH, "batch_size": BATCH, "num_steps": steps, "learning_rate": 6e-4, "warmup_steps": 100,
        "checkpoint_every_steps": every,
    }
    (folder / "config.json").write_text(json.dumps(config))
    program = Path(__file__).with_name("train.py")
    begin, speeds, waits, mfu = None, [], [], []
    with subprocess.Popen([sys.executable, program, folder / "config.json"], stdout=subprocess.PIPE, text=True) as child:
        for line in child.stdout:
            now, event = time.perf_counter(), json.loads(line)
            if event["event"] not in ("step", "checkpoint"):
                continue
            if event["event"] == "step" and event["step"] >= 100:
                if begin is None:
                    begin, first = now, event["step"]
                else:
                    speeds.append(event["tokens_per_second"])
                    waits.append(event["wait_share"])
                    mfu.append(event["mfu"])
                    last = event
            end = now
    if child.returncode:
        sys.exit(child.returncode)
    whole = (last["step"] - first) * BATCH * LENGTH / (end - begin)
    print(
        f"ours, loader and checkpoints: {whole:,.0f} tokens/s; between: {statistics.median(speeds):,.0f} "
        f"(least {min(speeds):,.0f}), MFU {statistics.median(mfu):.1%}, waiting {max(waits):.2%}, loss {last['loss']:.3f}",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--checkpoint-every", type=int, default=1000)
    given = parser.parse_args()
    shards = given.folder / "tokens"
    shards.mkdir(parents=True, exist_ok=True)
    ranks = np.random.default_rng(0).zipf(1.2, TOKENS)
    tokens = (ranks % VOCABULARY).astype("<u2")
    tokens.tofile(shards / "0.tokens")
    header = {"version": 1, "token_bytes": 2, "num_tokens": TOKENS, "vocabulary_size": VOCABULARY}
    (shards / "0.tokens.json").write_text(json.dumps(header))
    print(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}")
    plain(tokens)
    torch.cuda.empty_cache()
    ours(given.folder, given.steps, given.checkpoint_every)
    plain(tokens)


if __name__ == "__main__":
    main()
