"""PyTorch: embeddings of the categories and a small network, with checkpoints."""

import os

import numpy as np

import taxi


def network(features):
    import torch

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.sizes = [feature["num_buckets"] for feature in features]
            self.tables = torch.nn.ModuleList(
                torch.nn.Embedding(size, 8) for size in self.sizes if size is not None
            )
            width = sum(8 if size is not None else 1 for size in self.sizes)
            self.layers = torch.nn.Sequential(
                torch.nn.Linear(width, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1)
            )

        def forward(self, x):
            parts, tables = [], iter(self.tables)
            for index, size in enumerate(self.sizes):
                column = x[:, index]
                if size is None:
                    parts.append(column.unsqueeze(1))
                else:
                    parts.append(next(tables)(column.long().clamp(0, size - 1)))
            return self.layers(torch.cat(parts, dim=1)).squeeze(1)

    return Network()


def run_fn(fn_args):
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(fn_args.hyperparameters["seed"])
    (x, y), (eval_x, eval_y) = (tuple(map(torch.from_numpy, pair)) for pair in taxi.examples(fn_args))
    model = network(fn_args.features)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    loss_of = torch.nn.BCEWithLogitsLoss()
    checkpoint = os.path.join(fn_args.checkpoint_dir, "checkpoint.pt")
    first = 0
    if os.path.exists(checkpoint):
        saved = torch.load(checkpoint, weights_only=True)
        first = saved["step"]
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
    for step in range(first, fn_args.train_steps):
        # The batch of a step depends on nothing but its number, so that a restart goes on as if nothing had been.
        random = np.random.default_rng([fn_args.hyperparameters["seed"], step])
        chosen = torch.from_numpy(random.integers(len(y), size=256))
        loss = loss_of(model(x[chosen]), y[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % 50 == 0:
            with torch.no_grad():
                eval_loss = loss_of(model(eval_x), eval_y)
            fn_args.report(step=step + 1, loss=loss, eval_loss=eval_loss)
            state = {"step": step + 1, "model": model.state_dict(), "optimizer": optimizer.state_dict()}
            torch.save(state, checkpoint + ".part")
            os.replace(checkpoint + ".part", checkpoint)
    torch.save(model.state_dict(), os.path.join(fn_args.serving_model_dir, "weights.pt"))
    taxi.leave_program(fn_args, "torch_train")


def load(folder, features):
    import torch

    torch.set_num_threads(1)
    model = network(features)
    model.load_state_dict(torch.load(os.path.join(folder, "weights.pt"), weights_only=True))

    def predict(x):
        with torch.no_grad():
            return torch.sigmoid(model(torch.from_numpy(x))).numpy()

    return predict
