"""Trains a decoder-only transformer (the Llama architecture) on token shards with PyTorch.

Run by torchrun, one process a device: `torchrun --nproc-per-node N train.py config.json`. The configuration says all;
see `Config`. Standard output of rank 0 is JSON lines (`event`: started, resumed, step, eval, checkpoint, rollback,
stopped, finished, error); nothing else is printed there.

Everything that decides the weights is in the configuration, the tokens and the last checkpoint: the order of blocks is
a permutation computed from the seed, so that the position in the data is the number of the step.
"""

import bisect
import contextlib
import hashlib
import json
import math
import mmap
import os
import queue
import shutil
import signal
import statistics
import struct
import sys
import threading
import time
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
import torch.nn.functional as F
from torch import nn
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)

# Exit codes: 2 is a configuration that cannot be run, 3 a training that went astray, 143 stopped by SIGTERM (after a
# checkpoint); any other is a bug or the machine.
USAGE, DIVERGED, STOPPED = 2, 3, 143


class UserError(Exception):
    """Something that the user can do something about."""


@dataclass
class Config:
    """What to train, on what, and how. All sizes are checked before anything is allocated."""

    model: dict  # config.json of the HuggingFace Llama layout
    train_tokens: str  # a folder of token shards
    run_dir: str  # checkpoints live here
    model_dir: str  # the finished model is written here
    sequence_length: int
    batch_size: int  # sequences in a step, on all devices together
    num_steps: int
    learning_rate: float
    eval_tokens: str | None = None
    base_model: str | None = None  # a folder to start from
    tokenizer: str | None = None  # copied beside the weights
    micro_batch_size: int | None = None  # sequences of one device at a time
    min_learning_rate: float = 0.0
    warmup_steps: int = 0
    weight_decay: float = 0.1
    beta1: float = 0.9
    beta2: float = 0.95
    epsilon: float = 1e-8
    clip_norm: float = 1.0
    seed: int = 0
    dtype: str = "bfloat16"  # of activations; weights and optimizer are float32
    compile: bool = True
    activation_checkpointing: bool = False
    shard: bool | None = None  # FSDP, or a whole copy on each device; None: a copy where it takes at most a quarter
    eval_every_steps: int = 500
    eval_batches: int = 20
    checkpoint_every_steps: int = 1000
    keep_checkpoints: int = 2
    loss_spike: float = 3.0  # a loss so many times the median of the last ones is a spike; 0: no detection
    max_rollbacks: int = 3
    lora: dict | None = None  # {"rank": r, "alpha": a, "targets": ["qkv", "o", "gate_up", "down"]}
    deterministic: bool = False
    report_every_steps: int = 10
    metrics_file: str | None = None  # steps, evaluations, rollbacks and lost checkpoints are appended here too
    # For tests: the gradients of this step are made NaN the first time it is made.
    poison_step: int | None = None

    @staticmethod
    def load(path):
        given = json.loads(Path(path).read_text())
        known = {f.name for f in fields(Config)}
        unknown = sorted(set(given) - known)
        if unknown:
            raise UserError(f"{path}: unknown key `{unknown[0]}`")
        try:
            return Config(**given)
        except TypeError as error:
            raise UserError(f"{path}: {error}") from None


# ---------------------------------------------------------------------------------------------------------------------
# The model


class Linear(nn.Module):
    """Weights are kept in float32 and used in the type of the activations; an adapter of low rank may be added."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs))
        self.scale = 0.0

    def add_adapter(self, rank, alpha):
        self.weight.requires_grad_(False)
        device = self.weight.device
        self.adapter_in = nn.Parameter(torch.empty(rank, self.weight.shape[1], device=device))
        self.adapter_out = nn.Parameter(torch.empty(self.weight.shape[0], rank, device=device))
        self.scale = alpha / rank

    def forward(self, x):
        y = F.linear(x, self.weight.to(x.dtype))
        if self.scale:
            low = F.linear(x, self.adapter_in.to(x.dtype))
            y = y + self.scale * F.linear(low, self.adapter_out.to(x.dtype))
        return y


class RMSNorm(nn.Module):
    def __init__(self, width, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width))
        self.eps = eps

    def forward(self, x):
        y = x.float()
        y = y * torch.rsqrt(y.square().mean(-1, keepdim=True) + self.eps)
        return self.weight.to(x.dtype) * y.to(x.dtype)


class Block(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        d, kv = shape.hidden_size, shape.num_key_value_heads * shape.head_dim
        q = shape.num_attention_heads * shape.head_dim
        self.input_norm = RMSNorm(d, shape.rms_norm_eps)
        self.qkv = Linear(d, q + 2 * kv)
        self.o = Linear(q, d)
        self.post_norm = RMSNorm(d, shape.rms_norm_eps)
        self.gate_up = Linear(d, 2 * shape.intermediate_size)
        self.down = Linear(shape.intermediate_size, d)
        self.heads = (shape.num_attention_heads, shape.num_key_value_heads, shape.num_key_value_heads)

    def forward(self, x, cos, sin):
        # Rotary position embedding in HuggingFace's order: the two halves of a head are the two coordinates. All
        # heads are turned by one expression, the values' by nothing: the compiler makes twice as fast a kernel of it.
        batch, length, _ = x.shape
        halves = self.qkv(self.input_norm(x)).view(batch, length, sum(self.heads), 2, -1)
        turned = (halves * cos + halves.flip(-2) * sin).flatten(-2).transpose(1, 2)
        q, k, v = turned.split(self.heads, 1)
        grouped = self.shape.num_key_value_heads != self.shape.num_attention_heads
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=grouped)
        x = x + self.o(y.transpose(1, 2).reshape(batch, length, -1))
        gate, up = self.gate_up(self.post_norm(x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


@dataclass
class Shape:
    """The sizes of the network, read from HuggingFace's configuration."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    rms_norm_eps: float
    rope_theta: float
    tie_word_embeddings: bool

    @staticmethod
    def of(config):
        if config.get("model_type") != "llama":
            raise UserError(f"model_type is {config.get('model_type')!r}, expected \"llama\"")
        if config.get("hidden_act", "silu") != "silu":
            raise UserError(f"hidden_act is {config['hidden_act']!r}, expected \"silu\"")
        for key in ("attention_bias", "mlp_bias"):
            if config.get(key):
                raise UserError(f"{key} is true: layers with a bias are not known here")
        rope = config.get("rope_parameters") or {}
        scaling = config.get("rope_scaling") or {}
        kind = rope.get("rope_type") or scaling.get("rope_type") or scaling.get("type") or "default"
        if kind != "default":
            raise UserError(f"rope_type is {kind!r}, expected \"default\"")
        heads = config["num_attention_heads"]
        shape = Shape(
            vocab_size=config["vocab_size"],
            hidden_size=config["hidden_size"],
            intermediate_size=config["intermediate_size"],
            num_hidden_layers=config["num_hidden_layers"],
            num_attention_heads=heads,
            num_key_value_heads=config.get("num_key_value_heads") or heads,
            head_dim=config.get("head_dim") or config["hidden_size"] // heads,
            rms_norm_eps=config.get("rms_norm_eps", 1e-6),
            rope_theta=rope.get("rope_theta") or config.get("rope_theta", 10000.0),
            tie_word_embeddings=config.get("tie_word_embeddings", False),
        )
        if heads % shape.num_key_value_heads:
            raise UserError(f"{heads} heads do not share {shape.num_key_value_heads} keys evenly")
        return shape

    def flops_per_token(self, length):
        """Multiplications and additions of a training step for one token: 6 a weight, and attention's products."""
        q, kv = self.num_attention_heads * self.head_dim, self.num_key_value_heads * self.head_dim
        layer = self.hidden_size * (2 * q + 2 * kv + 3 * self.intermediate_size)
        weights = self.num_hidden_layers * layer + self.vocab_size * self.hidden_size
        return 6 * weights + 12 * self.num_hidden_layers * q * length


class Transformer(nn.Module):
    def __init__(self, shape, length, dtype, checkpointing):
        super().__init__()
        self.shape, self.dtype, self.checkpointing = shape, dtype, checkpointing
        self.embed = nn.Parameter(torch.empty(shape.vocab_size, shape.hidden_size))
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.num_hidden_layers))
        self.norm = RMSNorm(shape.hidden_size, shape.rms_norm_eps)
        self.head = None if shape.tie_word_embeddings else Linear(shape.hidden_size, shape.vocab_size)
        self.length, self.loss = length, next_token_loss

    def init_weights(self, seed):
        """Normal with deviation 0.02, those into the residual stream smaller by its depth (GPT-2).

        Each tensor has a generator of its own, so that neither sharding nor devices change the first weights.
        """
        deep = 0.02 / math.sqrt(2 * self.shape.num_hidden_layers)
        with torch.no_grad():
            for place, (name, parameter) in enumerate(sorted(self.named_parameters())):
                if name.endswith("norm.weight"):
                    parameter.fill_(1.0)
                    continue
                if name.endswith("adapter_out"):
                    parameter.zero_()
                    continue
                generator = torch.Generator().manual_seed(seed * 1_000_003 + place)
                deviation = deep if name.endswith(("o.weight", "down.weight")) else 0.02
                if name.endswith("adapter_in"):
                    deviation = 1.0 / math.sqrt(parameter.shape[1])
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * deviation)

    def set_rotation(self, device):
        width = self.shape.head_dim
        exponents = torch.arange(0, width, 2, dtype=torch.float32) / width
        inverse = (1.0 / self.shape.rope_theta**exponents).to(device)
        angles = torch.arange(self.length, dtype=torch.float32, device=device)[:, None] * inverse
        turned = self.shape.num_attention_heads + self.shape.num_key_value_heads
        kept = self.shape.num_key_value_heads

        def table(one, two, still):
            table = torch.stack((one, two), 1)[:, None].expand(-1, turned, -1, -1)
            return torch.cat((table, torch.full_like(table[:, :1], still).expand(-1, kept, -1, -1)), 1)

        self.cos = table(angles.cos(), angles.cos(), 1.0).to(self.dtype).contiguous()
        self.sin = table(-angles.sin(), angles.sin(), 0.0).to(self.dtype).contiguous()

    def hidden(self, tokens):
        x = F.embedding(tokens, self.embed).to(self.dtype)
        cos, sin = self.cos[: tokens.shape[1]], self.sin[: tokens.shape[1]]
        for block in self.blocks:
            if self.checkpointing and self.training:
                x = torch.utils.checkpoint.checkpoint(block, x, cos, sin, use_reentrant=False)
            else:
                x = block(x, cos, sin)
        return self.norm(x)

    def forward(self, tokens, targets):
        """The mean loss of the next tokens, in nats."""
        weight = self.embed if self.head is None else self.head.weight
        return self.loss(self.hidden(tokens), weight, targets)


def next_token_loss(hidden, weight, targets):
    logits = F.linear(hidden, weight.to(hidden.dtype))
    return F.cross_entropy(logits.float().flatten(0, 1), targets.flatten())


# ---------------------------------------------------------------------------------------------------------------------
# Weights on disk, in the HuggingFace Llama layout


def hf_names(shape):
    """(name here, [(name there, rows)]): fused weights are rows of several tensors, one after the other."""
    q, kv = shape.num_attention_heads * shape.head_dim, shape.num_key_value_heads * shape.head_dim
    d, wide = shape.hidden_size, shape.intermediate_size
    yield "embed", [("model.embed_tokens.weight", shape.vocab_size)]
    for n in range(shape.num_hidden_layers):
        here, there = f"blocks.{n}.", f"model.layers.{n}."
        yield here + "input_norm.weight", [(there + "input_layernorm.weight", d)]
        attention = there + "self_attn."
        parts = [(attention + "q_proj.weight", q), (attention + "k_proj.weight", kv), (attention + "v_proj.weight", kv)]
        yield here + "qkv.weight", parts
        yield here + "o.weight", [(attention + "o_proj.weight", d)]
        yield here + "post_norm.weight", [(there + "post_attention_layernorm.weight", d)]
        yield here + "gate_up.weight", [(there + "mlp.gate_proj.weight", wide), (there + "mlp.up_proj.weight", wide)]
        yield here + "down.weight", [(there + "mlp.down_proj.weight", d)]
    yield "norm.weight", [("model.norm.weight", d)]
    if not shape.tie_word_embeddings:
        yield "head.weight", [("lm_head.weight", shape.vocab_size)]


DTYPES = {"F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16}


def read_safetensors(path):
    """Yields (name, tensor) of a file, mapped, not read; lengths are compared with the file before they are used."""
    with open(path, "rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    if len(data) < 8 or (size := struct.unpack("<Q", data[:8])[0]) > len(data) - 8:
        raise UserError(f"{path}: not a safetensors file")
    for name, entry in json.loads(data[8 : 8 + size]).items():
        if name == "__metadata__":
            continue
        if entry["dtype"] not in DTYPES:
            raise UserError(f"{path}: {name} is of type {entry['dtype']}, expected one of {', '.join(DTYPES)}")
        begin, end = entry["data_offsets"]
        dtype, count = DTYPES[entry["dtype"]], math.prod(entry["shape"])
        if end > len(data) - 8 - size or end - begin != count * dtype.itemsize:
            raise UserError(f"{path}: {name} does not fit in the file")
        array = np.frombuffer(data, dtype=np.uint8, count=end - begin, offset=8 + size + begin)
        yield name, torch.from_numpy(array.copy()).view(dtype).view(entry["shape"])


def load_weights(folder, shape):
    folder = Path(folder)
    index = folder / "model.safetensors.index.json"
    files = {"model.safetensors"}
    if index.exists():
        files = set(json.loads(index.read_text())["weight_map"].values())
    there = {}
    for file in sorted(files):
        there.update(read_safetensors(folder / file))
    weights = {}
    for here, parts in hf_names(shape):
        tensors = []
        for name, rows in parts:
            if name not in there:
                raise UserError(f"{folder}: no tensor {name}")
            if there[name].shape[0] != rows:
                raise UserError(f"{folder}: {name} has {there[name].shape[0]} rows, expected {rows}")
            tensors.append(there[name].float())
        weights[here] = torch.cat(tensors) if len(tensors) > 1 else tensors[0]
    return weights


def save_model(weights, shape, config):
    """Writes config.json, model.safetensors and the tokenizer under a temporary name, then renames the folder."""
    tensors = []
    for here, parts in hf_names(shape):
        row, weight = 0, weights[here]
        for name, rows in parts:
            tensors.append((name, weight[row : row + rows].contiguous()))
            row += rows
    dtype = torch.bfloat16 if config.dtype == "bfloat16" else torch.float32
    label = "BF16" if dtype == torch.bfloat16 else "F32"
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, tensor in tensors:
        size = tensor.numel() * dtype.itemsize
        header[name] = {"dtype": label, "shape": list(tensor.shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    final = Path(config.model_dir)
    folder = final.with_name(final.name + ".part")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with open(folder / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, tensor in tensors:
            file.write(tensor.to(dtype).contiguous().view(torch.uint8).numpy().data)
        file.flush()
        os.fsync(file.fileno())
    described = {"architectures": ["LlamaForCausalLM"], **config.model}
    described["torch_dtype"] = described["dtype"] = "bfloat16" if dtype == torch.bfloat16 else "float32"
    (folder / "config.json").write_text(json.dumps(described, indent=2) + "\n")
    if config.tokenizer:
        shutil.copyfile(config.tokenizer, folder / "tokenizer.json")
    if final.exists():
        for file in folder.iterdir():
            os.replace(file, final / file.name)
        folder.rmdir()
    else:
        os.replace(folder, final)


# ---------------------------------------------------------------------------------------------------------------------
# Tokens


class Tokens:
    """The mapped token shards of a folder; block `i` of a shard is `length + 1` tokens from `i * length`."""

    def __init__(self, folder, length, vocab_size):
        folder = Path(folder)
        names = sorted(p.name.removesuffix(".tokens.json") for p in folder.glob("*.tokens.json"))
        if not names:
            raise UserError(f"{folder}: no token shards, expected files *.tokens.json")
        self.shards, self.starts, self.num_blocks = [], [], 0
        for name in names:
            header = json.loads((folder / f"{name}.tokens.json").read_text())
            if header.get("version") != 1:
                raise UserError(f"{folder}/{name}.tokens.json: version {header.get('version')}, expected 1")
            dtype = np.dtype({2: "<u2", 4: "<u4"}[header["token_bytes"]])
            path = folder / f"{name}.tokens"
            if path.stat().st_size != header["num_tokens"] * dtype.itemsize:
                raise UserError(f"{path}: {path.stat().st_size} bytes, expected {header['num_tokens']} tokens")
            if header["vocabulary_size"] > vocab_size:
                size = header["vocabulary_size"]
                raise UserError(f"{path}: tokens below {size}, the embedding has {vocab_size} rows")
            blocks = max(0, header["num_tokens"] - 1) // length
            if blocks:
                self.starts.append(self.num_blocks)
                self.shards.append(np.memmap(path, dtype=dtype, mode="r"))
                self.num_blocks += blocks
        if self.num_blocks == 0:
            raise UserError(f"{folder}: not one whole block of {length} tokens")
        self.length, self.vocab_size = length, vocab_size

    def read(self, blocks, out):
        """Fills `[len(blocks), length + 1]` int64 values."""
        for row, block in enumerate(blocks):
            shard = bisect.bisect_right(self.starts, block) - 1
            begin = (block - self.starts[shard]) * self.length
            out[row] = self.shards[shard][begin : begin + self.length + 1]
        if out.size and out.max() >= self.vocab_size:
            raise UserError(f"a token is {out.max()}, the embedding has {self.vocab_size} rows")


MASK = (1 << 64) - 1


def mix(x):
    """The finalizer of splitmix64."""
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def permuted(index, size, seed, epoch):
    """The block at a place of an epoch: a Feistel network of four rounds, walked until it fits (as crate `loader`).

    Needs no memory, and any place can be asked for: that is what makes resuming free.
    """
    bits = max(1, ((size - 1).bit_length() + 1) // 2)
    low = (1 << bits) - 1
    start = mix((mix(seed) + epoch) & MASK)
    keys = [mix((start + round) & MASK) for round in (1, 2, 3, 4)]
    x = index
    while True:
        left, right = x >> bits, x & low
        for key in keys:
            left, right = right, left ^ (mix(right ^ key) & low)
        x = (left << bits) | right
        if x < size:
            return x


class Loader:
    """Reads, checks and moves batches to the device in a thread, a few ahead.

    The batch of step `s` is the sequences `s * batch_size ..`, wherever it is asked for; each rank takes its part.
    """

    AHEAD = 4

    def __init__(self, tokens, config, rank, world, device):
        self.tokens, self.config, self.rank, self.world, self.device = tokens, config, rank, world, device
        self.thread, self.waited = None, 0.0

    def start(self, position):
        self.stop()
        self.queue, self.halt = queue.Queue(self.AHEAD), threading.Event()
        self.thread = threading.Thread(target=self._fill, args=(position, self.queue, self.halt), daemon=True)
        self.thread.start()

    def stop(self):
        if self.thread:
            self.halt.set()
            with contextlib.suppress(queue.Empty):
                while True:
                    self.queue.get_nowait()
            self.thread.join()
            self.thread = None

    def _fill(self, position, out, halt):
        try:
            while not halt.is_set():
                batch = self._batch(position)
                while not halt.is_set():
                    with contextlib.suppress(queue.Full):
                        out.put(batch, timeout=0.1)
                        break
                position += 1
        except BaseException as error:
            out.put(error)

    def _batch(self, position):
        rows = self.config.batch_size // self.world
        first = position * self.config.batch_size + self.rank * rows
        blocks = []
        for place in range(first, first + rows):
            epoch, index = divmod(place, self.tokens.num_blocks)
            blocks.append(permuted(index, self.tokens.num_blocks, self.config.seed, epoch))
        host = torch.empty(rows, self.tokens.length + 1, dtype=torch.int64, pin_memory=self.device.type == "cuda")
        self.tokens.read(blocks, host.numpy())
        return host

    def next(self):
        begin = time.perf_counter()
        batch = self.queue.get()
        self.waited += time.perf_counter() - begin
        if isinstance(batch, BaseException):
            raise batch
        return batch.to(self.device, non_blocking=True)


# ---------------------------------------------------------------------------------------------------------------------
# Checkpoints: a folder `step-N`, named so only when it is whole


class Checkpoints:
    """Writes and finds checkpoints. `step-N.part` is being written; `manifest.json` has the digest of every file."""

    def __init__(self, run_dir, keep, rank):
        self.dir, self.keep, self.rank = Path(run_dir), keep, rank
        self.writer = None
        self.group = dist.new_group(backend="gloo")  # of its own: the thread that writes must not meet the training
        self.dir.mkdir(parents=True, exist_ok=True)

    @staticmethod
    def digest(path):
        # In one call, which leaves the interpreter to the training.
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as bytes:
            return hashlib.sha256(bytes).hexdigest()

    def found(self):
        """Steps of the checkpoints that are there, newest first."""
        names = (p.name for p in self.dir.glob("step-*") if p.name[5:].isdigit())
        return sorted((int(name[5:]) for name in names), reverse=True)

    def is_whole(self, step):
        folder = self.dir / f"step-{step}"
        try:
            manifest = json.loads((folder / "manifest.json").read_text())
            return all(self.digest(folder / name) == digest for name, digest in manifest.items())
        except (OSError, ValueError):
            return False

    def path(self, step):
        return str(self.dir / f"step-{step}")

    def save(self, step, state, asynchronous):
        """Starts to write a checkpoint; training may go on as soon as this returns."""
        self.finish()
        part = self.dir / f"step-{step}.part"
        if self.rank == 0:
            shutil.rmtree(part, ignore_errors=True)
        dist.barrier()
        copied = stage(state) if asynchronous else (lambda: state)
        self.writer = threading.Thread(target=self._write, args=(step, part, copied))
        self.writer.start()
        if not asynchronous:
            self.finish()

    def _write(self, step, part, copied):
        try:
            dcp.save(copied(), checkpoint_id=str(part), process_group=self.group)
        except (Exception, CheckpointException) as error:  # PyTorch's own is no `Exception`
            # A full disk, say: the training goes on, the checkpoint before is still there.
            shutil.rmtree(part, ignore_errors=True)
            if self.rank == 0:
                report(event="checkpoint_failed", step=step, message=reason(error))
            return
        if self.rank == 0:
            self._seal(step, part)

    def _seal(self, step, part):
        """Digests, then the name that says that it is whole, then the oldest are dropped."""
        try:
            files = sorted(p for p in part.iterdir() if p.name != "manifest.json")
            with open(part / "manifest.json", "w") as file:
                json.dump({p.name: self.digest(p) for p in files}, file)
                file.flush()
                os.fsync(file.fileno())
            final = self.dir / f"step-{step}"
            if final.exists():
                shutil.rmtree(final)
            os.replace(part, final)
            folder = os.open(self.dir, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
            for old in self.found()[self.keep :]:
                shutil.rmtree(self.dir / f"step-{old}", ignore_errors=True)
            report(event="checkpoint", step=step)
        except OSError as error:
            shutil.rmtree(part, ignore_errors=True)
            report(event="checkpoint_failed", step=step, message=reason(error))

    def finish(self):
        """Waits for the checkpoint being written, on every process: the one that seals it is the last."""
        if self.writer:
            self.writer.join()
            self.writer = None
            dist.barrier()


def reason(error):
    """What a checkpoint failed of, in a line: what came first, on the first process that says so."""
    if isinstance(error, CheckpointException):
        error = next(iter(error.failures.values()))[0]
    while error.__context__:
        error = error.__context__
    return f"{type(error).__name__}: {error}".splitlines()[0]


def mapped(state, change):
    """A copy of a tree of tensors with each one changed."""
    if isinstance(state, dict):
        return {key: mapped(value, change) for key, value in state.items()}
    if isinstance(state, (list, tuple)):
        return type(state)(mapped(value, change) for value in state)
    return change(state) if isinstance(state, torch.Tensor) else state


def stage(state):
    """Copies what a checkpoint holds, so that training can go on; returns what gives it in this machine's memory.

    Where the device has room, it is copied there, and moved beside the training by the thread that writes it.
    """
    size = 0

    def count(tensor):
        nonlocal size
        local = tensor.to_local() if hasattr(tensor, "to_local") else tensor
        size += local.numel() * local.element_size() if local.device.type == "cuda" else 0

    mapped(state, count)
    if size == 0 or torch.cuda.mem_get_info()[0] < 2 * size:
        here = mapped(state, lambda tensor: tensor.detach().to("cpu", copy=True))
        return lambda: here
    copy = mapped(state, lambda tensor: tensor.detach().clone())
    ready, device = torch.cuda.Event(), torch.cuda.current_device()
    ready.record()
    return lambda: moved(copy, ready, device)


def moved(state, ready, device):
    """The state in this machine's memory, through a little that is pinned: other copies hold up the training's."""
    torch.cuda.set_device(device)
    pinned = torch.empty(1 << 26, dtype=torch.uint8, pin_memory=True)
    stream = torch.cuda.Stream()

    def move(tensor):
        if tensor.device.type != "cuda" or hasattr(tensor, "to_local"):
            return tensor.to("cpu")
        here = torch.empty(tensor.shape, dtype=tensor.dtype)
        flat, rows = here.view(-1), pinned.view(tensor.dtype)
        for to, part in zip(flat.split(len(rows)), tensor.reshape(-1).split(len(rows))):
            rows[: len(part)].copy_(part, non_blocking=True)
            stream.synchronize()
            to.copy_(rows[: len(part)])
        return here

    with torch.cuda.stream(stream):
        ready.wait(stream)
        return mapped(state, move)


# ---------------------------------------------------------------------------------------------------------------------
# Training


METRICS = None


def report(**line):
    """One JSON line; numbers that are not finite become null, as JSON has none."""
    for key, value in line.items():
        if isinstance(value, float) and not math.isfinite(value):
            line[key] = None
    text = json.dumps(line) + "\n"
    sys.stdout.write(text)
    sys.stdout.flush()
    if METRICS and line["event"] in ("step", "eval", "rollback", "checkpoint_rejected", "checkpoint_failed"):
        if line["event"] == "checkpoint_rejected":
            text = json.dumps({"warning": line["message"]}) + "\n"
        if line["event"] == "checkpoint_failed":
            text = json.dumps({"warning": f"no checkpoint at step {line['step']}: {line['message']}"}) + "\n"
        if line["event"] == "rollback":
            text = json.dumps({"step": line["to_step"], "rollbacks": line["rollbacks"]}) + "\n"
        if line["event"] == "eval":
            text = json.dumps({"step": line["step"], "eval_loss": line["loss"], "eval_perplexity": line["perplexity"]}) + "\n"
        with open(METRICS, "a") as file:
            file.write(text)


# Dense bf16 FLOP/s of the vendors' data sheets.
PEAKS = [("H200", 989e12), ("H100 PCIe", 756e12), ("H100", 989e12), ("B200", 2250e12), ("A100", 312e12), ("L40S", 362e12)]


def peak_flops(device):
    if device.type != "cuda":
        return None
    name = torch.cuda.get_device_name(device)
    return next((peak for part, peak in PEAKS if part in name), None)


def learning_rate(config, step):
    """Linear warm-up, then half a cosine down to `min_learning_rate`. Steps count from 0."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    along = (step - config.warmup_steps) / max(1, config.num_steps - config.warmup_steps)
    span = config.learning_rate - config.min_learning_rate
    return config.min_learning_rate + 0.5 * span * (1.0 + math.cos(math.pi * min(1.0, along)))


@dataclass
class State:
    """What a checkpoint holds besides weights, optimizer and generators."""

    step: int = 0
    skipped: int = 0  # batches left out after rollbacks
    rollbacks: int = 0
    losses: list = field(default_factory=list)  # the last ones, for the detection of spikes


class Trainer:
    WINDOW = 128

    def __init__(self, config):
        self.config = config
        self.rank, self.world = dist.get_rank(), dist.get_world_size()
        on_gpu = torch.cuda.is_available()
        self.device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if on_gpu else torch.device("cpu")
        if on_gpu:
            torch.cuda.set_device(self.device)
        if config.deterministic:
            torch.use_deterministic_algorithms(True)
        torch.manual_seed(config.seed + self.rank)
        torch.backends.cuda.matmul.allow_tf32 = config.dtype == "bfloat16"
        self.shape = Shape.of(config.model)
        self.check()
        self.tokens = Tokens(config.train_tokens, config.sequence_length, self.shape.vocab_size)
        self.eval_tokens = None
        if config.eval_tokens:
            self.eval_tokens = Tokens(config.eval_tokens, config.sequence_length, self.shape.vocab_size)
        self.make_model()
        self.make_optimizer()
        self.loader = Loader(self.tokens, config, self.rank, self.world, self.device)
        self.checkpoints = Checkpoints(config.run_dir, config.keep_checkpoints, self.rank)
        self.state = State()
        self.stop = False
        self.poisoned = False

    def check(self):
        config = self.config
        if config.dtype not in ("bfloat16", "float32"):
            raise UserError(f"dtype is {config.dtype!r}, expected bfloat16 or float32")
        if config.batch_size % self.world:
            raise UserError(f"a batch of {config.batch_size} sequences does not split over {self.world} processes")
        self.rows = config.batch_size // self.world
        self.micro = config.micro_batch_size or self.rows
        if self.rows % self.micro:
            raise UserError(f"{self.rows} sequences a process do not split into parts of {self.micro}")

    def make_model(self):
        config = self.config
        dtype = getattr(torch, config.dtype)
        model = Transformer(self.shape, config.sequence_length, dtype, config.activation_checkpointing)
        if config.lora:
            if not config.base_model:
                raise UserError("lora: there is no base_model whose weights could be adapted")
            model.requires_grad_(False)
            targets = config.lora.get("targets", ["qkv", "o", "gate_up", "down"])
            for block in model.blocks:
                for target in targets:
                    if target not in ("qkv", "o", "gate_up", "down"):
                        raise UserError(f"lora: no layer {target!r}, expected qkv, o, gate_up or down")
                    getattr(block, target).add_adapter(config.lora["rank"], config.lora.get("alpha", config.lora["rank"]))
        model.init_weights(config.seed)
        if config.base_model:
            base = load_weights(config.base_model, self.shape)
            with torch.no_grad():
                own = dict(model.named_parameters())
                for name, weight in base.items():
                    if own[name].shape != weight.shape:
                        raise UserError(f"{config.base_model}: {name} is {list(weight.shape)}, not {list(own[name].shape)}")
                    own[name].copy_(weight)
        model.to(self.device)
        self.sharded = self.world > 1 and self.wants_shards(model)
        if self.sharded:
            from torch.distributed.device_mesh import init_device_mesh
            from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

            mesh = init_device_mesh(self.device.type, (self.world,))
            policy = MixedPrecisionPolicy(param_dtype=dtype, reduce_dtype=torch.float32)
            for block in model.blocks:
                fully_shard(block, mesh=mesh, mp_policy=policy)
            fully_shard(model, mesh=mesh, mp_policy=policy)
        model.set_rotation(self.device)
        self.model = model
        if config.compile:
            if self.sharded or config.activation_checkpointing:
                for block in model.blocks:
                    block.compile()
                model.loss = torch.compile(next_token_loss)
            else:
                model.compile()

    def wants_shards(self, model):
        """Whether weights and optimizer are shared out to the processes, or each has all of them."""
        if self.config.shard is not None or self.device.type != "cuda":
            return self.config.shard is not False
        # Weights, gradients and two moments in float32, and weights as they are used.
        size = sum(p.numel() * (18 if p.requires_grad else 6) for p in model.parameters())
        return size > torch.cuda.get_device_properties(self.device).total_memory // 4

    def make_optimizer(self):
        config = self.config
        trained = [p for p in self.model.parameters() if p.requires_grad]
        groups = [
            {"params": [p for p in trained if p.dim() > 1], "weight_decay": config.weight_decay},
            {"params": [p for p in trained if p.dim() == 1], "weight_decay": 0.0},
        ]
        groups = [group for group in groups if group["params"]]
        betas = (config.beta1, config.beta2)
        self.trained = trained
        self.optimizer = torch.optim.AdamW(groups, lr=config.learning_rate, betas=betas, eps=config.epsilon, fused=True)

    # -- checkpoints

    def options(self):
        return StateDictOptions(ignore_frozen_params=True, strict=False) if self.config.lora else StateDictOptions()

    def snapshot(self):
        generators = {f"cpu.{self.rank}": torch.get_rng_state()}
        if self.device.type == "cuda":
            generators[f"cuda.{self.rank}"] = torch.cuda.get_rng_state(self.device)
        return {
            "model": get_model_state_dict(self.model, options=self.options()),
            "optimizer": get_optimizer_state_dict(self.model, self.optimizer, options=self.options()),
            "generators": generators,
            "state": {"json": torch.frombuffer(bytearray(self.state_bytes()), dtype=torch.uint8).clone()},
        }

    STATE_BYTES = 8192

    def state_bytes(self):
        text = json.dumps({"version": 1, "world": self.world, **self.state.__dict__}).encode()
        return text + b" " * (self.STATE_BYTES - len(text))

    def restore(self):
        """Loads the newest whole checkpoint; returns its step, or None if there is none."""
        chosen = [None]
        if self.rank == 0:
            for step in self.checkpoints.found():
                if self.checkpoints.is_whole(step):
                    chosen = [step]
                    break
                report(event="checkpoint_rejected", step=step,
                       message=f"{self.checkpoints.path(step)}: damaged, the checkpoint before is used")
        dist.broadcast_object_list(chosen, src=0)
        if chosen[0] is None:
            return None
        path = self.checkpoints.path(chosen[0])
        saved = dcp.FileSystemReader(path).read_metadata().state_dict_metadata
        state = self.snapshot()
        # A run on another number of processes has other generators; nothing else depends on that number.
        state["generators"] = {k: v for k, v in state["generators"].items() if f"generators.{k}" in saved}
        dcp.load(state, checkpoint_id=path)
        set_model_state_dict(self.model, state["model"], options=self.options())
        set_optimizer_state_dict(self.model, self.optimizer, state["optimizer"], options=self.options())
        for name, value in state["generators"].items():
            if name.startswith("cuda"):
                torch.cuda.set_rng_state(value, self.device)
            else:
                torch.set_rng_state(value)
        known = json.loads(bytes(state["state"]["json"].tolist()))
        self.state = State(**{f.name: known[f.name] for f in fields(State)})
        return chosen[0]

    def save(self, asynchronous=True):
        self.checkpoints.save(self.state.step, self.snapshot(), asynchronous)

    # -- steps

    def train_step(self):
        config, state = self.config, self.state
        batch = self.loader.next()
        parts = self.rows // self.micro
        total = torch.zeros((), device=self.device)
        for part in range(parts):
            piece = batch[part * self.micro : (part + 1) * self.micro]
            if self.sharded:
                self.model.set_requires_gradient_sync(part == parts - 1)
            loss = self.model(piece[:, :-1], piece[:, 1:]) / parts
            loss.backward()
            total += loss.detach()
        if config.poison_step == state.step and not self.poisoned:
            self.poisoned = True
            next(p for p in self.trained if p.grad is not None).grad.fill_(float("nan"))
        if self.world > 1 and not self.sharded:
            self.average_gradients()
        norm = torch.nn.utils.clip_grad_norm_(self.trained, config.clip_norm or float("inf"))
        norm = norm.full_tensor() if hasattr(norm, "full_tensor") else norm
        rate = learning_rate(config, state.step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        state.step += 1
        return torch.stack((total, norm.to(total.dtype))), rate

    def average_gradients(self):
        """The mean of all processes' gradients, each of which has all weights: the same bits everywhere."""
        gradients = [p.grad for p in self.trained]
        torch._foreach_div_(gradients, self.world)
        for work in [dist.all_reduce(gradient, async_op=True) for gradient in gradients]:
            work.wait()

    def examine(self, pending):
        """One look at the device for several steps: their losses and norms, and whether anybody was told to stop."""
        values = torch.stack([value for value, _ in pending])
        flag = torch.full((1, 2), float(self.stop), device=self.device)
        values = torch.cat((values, flag))
        if self.world > 1:
            values[:, 1] /= self.world  # norms are the same everywhere
            dist.all_reduce(values)
            values[:, 0] /= self.world
        return values[:-1].tolist(), values[-1, 1].item() > 0.0

    def problem(self, losses):
        """Says what is wrong with some losses and norms, or nothing; sound ones go into the window."""
        window = self.state.losses
        for loss, norm in losses:
            if not math.isfinite(loss) or not math.isfinite(norm):
                return "the loss or its gradient is not a finite number"
            if self.config.loss_spike and len(window) >= self.WINDOW // 2:
                usual = statistics.median(window)
                if loss > self.config.loss_spike * usual:
                    return f"the loss is {loss:.3f}, usual was {usual:.3f}"
            window.append(loss)
        del window[: -self.WINDOW]
        return None

    def roll_back(self, reason):
        """Back to the last checkpoint, and past the data that led astray."""
        state = self.state
        bad, rollbacks, skipped = state.step, state.rollbacks + 1, state.skipped
        self.checkpoints.finish()
        if rollbacks > self.config.max_rollbacks:
            raise Diverged(f"{reason} by step {bad}, after {rollbacks - 1} rollbacks; try a smaller learning rate")
        if self.restore() is None:
            raise Diverged(f"{reason} by step {bad}, and there is no checkpoint to go back to")
        self.state.rollbacks = rollbacks
        self.state.skipped = skipped + bad - self.state.step
        if self.rank == 0:
            report(event="rollback", step=bad, to_step=self.state.step, rollbacks=rollbacks, message=reason)
        self.optimizer.zero_grad(set_to_none=True)
        self.loader.start(self.state.step + self.state.skipped)

    def evaluate(self):
        config = self.config
        self.model.eval()
        rows = min(self.micro, max(1, self.eval_tokens.num_blocks // self.world))
        # The same sequences whatever the number of processes; whole batches, as another shape is compiled anew.
        blocks = min(self.eval_tokens.num_blocks, config.eval_batches * config.batch_size)
        if blocks > config.batch_size:
            blocks -= blocks % config.batch_size
        mine = [n for n in range(blocks) if n % self.world == self.rank]
        steps = -(-len([n for n in range(blocks) if n % self.world == 0]) // rows)
        total = torch.zeros(2, dtype=torch.float64, device=self.device)
        with torch.no_grad():
            for n in range(steps):
                part = mine[n * rows : (n + 1) * rows]
                weight = float(len(part))
                part = (part + [0] * rows)[:rows]  # every process takes part in each forward pass
                host = torch.empty(rows, config.sequence_length + 1, dtype=torch.int64)
                self.eval_tokens.read(part, host.numpy())
                batch = host.to(self.device)
                if weight == rows:
                    total[0] += self.model(batch[:, :-1], batch[:, 1:]).double() * weight
                else:
                    for row in range(rows):
                        loss = self.model(batch[row : row + 1, :-1], batch[row : row + 1, 1:]).double()
                        total[0] += loss * float(row < weight)
                total[1] += weight
        if self.world > 1:
            dist.all_reduce(total)
        self.model.train()
        return (total[0] / total[1]).item()

    def run(self):
        config = self.config
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "stop", True))
        resumed = self.restore()
        state = self.state
        per_step = config.batch_size * config.sequence_length
        flops = self.shape.flops_per_token(config.sequence_length)
        peak = peak_flops(self.device)
        if self.rank == 0:
            weights = sum(p.numel() for p in self.model.parameters())
            report(event="started" if resumed is None else "resumed", step=state.step, num_steps=config.num_steps,
                   num_weights=weights, world_size=self.world, device=self.device.type, tokens_per_step=per_step,
                   device_name=torch.cuda.get_device_name(self.device) if peak or self.device.type == "cuda" else "cpu",
                   torch=torch.__version__)
        self.loader.start(state.step + state.skipped)
        pending, begin, check_every = [], time.perf_counter(), 1
        self.loader.waited = 0.0
        while self.state.step < config.num_steps:
            values, rate = self.train_step()
            pending.append((values, rate))
            step = self.state.step
            last = step == config.num_steps
            wants_save = step % config.checkpoint_every_steps == 0 or last
            wants_eval = self.eval_tokens and (step % config.eval_every_steps == 0 or last)
            if not (len(pending) >= check_every or wants_save or wants_eval):
                continue
            losses, stop = self.examine(pending)
            seconds = time.perf_counter() - begin
            trouble = self.problem(losses)
            if trouble:
                self.roll_back(trouble)
                pending, begin, self.loader.waited = [], time.perf_counter(), 0.0
                continue
            speed = len(pending) * per_step / seconds
            if self.rank == 0:
                report(event="step", step=step, loss=losses[-1][0], gradient_norm=losses[-1][1], learning_rate=rate,
                       tokens_per_second=round(speed, 1), wait_share=round(self.loader.waited / seconds, 4),
                       mfu=round(speed * flops / (peak * self.world), 4) if peak else None)
            # Looks are about a second apart at most, the same on every process.
            slowest = torch.tensor([seconds / len(pending)], device=self.device)
            if self.world > 1:
                dist.all_reduce(slowest, op=dist.ReduceOp.MAX)
            check_every = max(1, min(config.report_every_steps, int(1.0 / slowest.item())))
            pending = []
            begin, self.loader.waited = time.perf_counter(), 0.0
            if wants_eval:
                loss = self.evaluate()
                if self.rank == 0:
                    report(event="eval", step=step, loss=loss, perplexity=math.exp(min(loss, 80.0)))
                if not last:
                    begin = time.perf_counter()
            if wants_save or stop:
                # The time of a checkpoint is counted with the steps after it.
                self.save(asynchronous=last or not stop)
            if stop and not last:
                self.checkpoints.finish()
                self.loader.stop()
                if self.rank == 0:
                    report(event="stopped", step=step)
                return STOPPED
        self.loader.stop()
        self.write_model()
        self.checkpoints.finish()
        if self.rank == 0:
            report(event="finished", step=self.state.step, rollbacks=self.state.rollbacks)
        return 0

    def write_model(self):
        options = StateDictOptions(full_state_dict=True, cpu_offload=True)
        weights = get_model_state_dict(self.model, options=options)
        if self.rank == 0:
            if self.config.lora:
                scale = self.config.lora.get("alpha", self.config.lora["rank"]) / self.config.lora["rank"]
                for name in [n for n in weights if n.endswith("adapter_out")]:
                    base = name.removesuffix("adapter_out")
                    weights[base + "weight"] += scale * weights[name] @ weights[base + "adapter_in"]
            save_model(weights, self.shape, self.config)
        dist.barrier()


class Diverged(Exception):
    """The training went astray and could not be led back."""


def main():
    if len(sys.argv) != 2:
        raise UserError(f"{len(sys.argv) - 1} arguments, expected the configuration's path")
    global METRICS
    config = Config.load(sys.argv[1])
    METRICS = config.metrics_file
    if "RANK" not in os.environ:  # run by hand, without torchrun
        os.environ.update(RANK="0", WORLD_SIZE="1", LOCAL_RANK="0", MASTER_ADDR="127.0.0.1", MASTER_PORT="0")
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    # The manifest has the digests of a checkpoint's files; computing sums of its tensors would hold up the training.
    torch.serialization.set_crc32_options(False)
    trainer = Trainer(config)
    return trainer.run()


if __name__ == "__main__":
    first = os.environ.get("RANK", "0") == "0"
    try:
        code = main()
    except UserError as error:
        code = USAGE
        if first:
            report(event="error", kind="usage", message=str(error))
            print(error, file=sys.stderr)
    except Diverged as error:
        code = DIVERGED
        if first:
            report(event="error", kind="diverged", message=str(error))
            print(error, file=sys.stderr)
    if dist.is_initialized():
        dist.destroy_process_group()
    # Threads of the groups may still have tensors, and PyTorch aborts where one asks for the interpreter as that ends
    # (pytorch/pytorch#190489). All is written: it need not end in its own way.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
