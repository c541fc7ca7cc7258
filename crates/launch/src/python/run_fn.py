"""Calls `run_fn(fn_args)` of a Python file, as TFX's Trainer does."""

import importlib.util
import json
import os
import sys
import types


class FnArgs(types.SimpleNamespace):
    """What `run_fn` is told; the fields of TFX's FnArgs, and a few more."""

    @property
    def schema_file(self):
        """The older name of `schema_path`."""
        return self.schema_path

    @property
    def transform_output(self):
        """The older name of `transform_graph_path`."""
        return self.transform_graph_path

    def report(self, **metrics):
        """Says how far the training is, such as `report(step=100, loss=0.31)`."""
        with open(self.metrics_path, "a", encoding="utf-8") as file:
            file.write(json.dumps({key: _number(value) for key, value in metrics.items()}) + "\n")


def _number(value):
    """Numbers of NumPy and of tensors as numbers of Python."""
    return value.item() if hasattr(value, "item") else value


def main():
    path = os.path.abspath(sys.argv[1])
    sys.path.insert(0, os.path.dirname(path))
    with open(os.environ["CUPOLA_FN_ARGS"], encoding="utf-8") as file:
        fn_args = FnArgs(**json.load(file))
    spec = importlib.util.spec_from_file_location(os.path.splitext(os.path.basename(path))[0], path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    if not callable(getattr(module, "run_fn", None)):
        sys.exit(f"{path}: no function `run_fn`, expected `def run_fn(fn_args)`")
    module.run_fn(fn_args)


if __name__ == "__main__":
    main()
