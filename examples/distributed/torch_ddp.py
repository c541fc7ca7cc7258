"""PyTorch's DistributedDataParallel under Cupola: `strategy = { multi_worker = { workers = 2 } }`, or `mirrored` with a
process for each GPU.

Every worker runs this file, with the variables that `torchrun` would set. Alone, without a strategy, it takes the same
steps on the same global batches.
"""

import json
import os
import sys

import numpy as np
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

with open(os.environ["CUPOLA_FN_ARGS"], encoding="utf-8") as file:
    fn_args = json.load(file)

GLOBAL_BATCH = 16
torch.set_num_threads(1)
is_distributed = "RANK" in os.environ
if is_distributed:
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
rank, workers = (dist.get_rank(), dist.get_world_size()) if is_distributed else (0, 1)

random = np.random.default_rng(1)
points = random.normal(size=(64, 4)).astype(np.float32)
labels = points @ np.float32([1, -2, 3, 0.5]) + np.float32(0.25)

line = torch.nn.Linear(4, 1)
torch.nn.init.zeros_(line.weight)
torch.nn.init.zeros_(line.bias)
checkpoint = os.path.join(fn_args["checkpoint_dir"], "checkpoint.pt")
first = 0
if os.path.exists(checkpoint):
    saved = torch.load(checkpoint, weights_only=True)
    first = saved["step"]
    line.load_state_dict(saved["line"])
model = DistributedDataParallel(line) if is_distributed else line
optimizer = torch.optim.SGD(line.parameters(), lr=0.05)

for step in range(first, fn_args["train_steps"]):
    begin = step * GLOBAL_BATCH % len(points)
    mine = slice(begin + rank, begin + GLOBAL_BATCH, workers)
    x, y = torch.from_numpy(points[mine]), torch.from_numpy(labels[mine])
    # The mean over this worker's part; DDP takes the mean over the workers.
    loss = ((model(x).squeeze(1) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    total = loss.detach().clone()
    if is_distributed:
        dist.all_reduce(total)
    if rank == 0:
        torch.save({"step": step + 1, "line": line.state_dict()}, checkpoint + ".part")
        os.replace(checkpoint + ".part", checkpoint)
        with open(fn_args["metrics_path"], "a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step + 1, "loss": total.item() / workers, "workers": workers}) + "\n")
if is_distributed:
    dist.destroy_process_group()
    # A thread of the group may still have a tensor, and PyTorch aborts where it asks for the interpreter as that ends
    # (pytorch/pytorch#190489). All is written: the process need not end in Python's own way.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
