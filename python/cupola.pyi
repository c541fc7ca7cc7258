"""Transform graphs and loaders of Cupola pipelines: Arrow in, Arrow out."""

from os import PathLike
from typing import Any, Iterator, Optional, Sequence, Union

import numpy
import pyarrow

__version__: str

class CupolaError(ValueError):
    """What is wrong with a file or with data."""

class TransformGraph:
    """A compiled transform: raw features in, transformed features out."""

    @staticmethod
    def load(dir: Union[str, "PathLike[str]"]) -> "TransformGraph": ...
    def transform(self, data: Any) -> pyarrow.Table: ...
    def project(self, names: Sequence[str]) -> "TransformGraph": ...
    @property
    def inputs(self) -> list[tuple[str, str]]: ...
    @property
    def schema(self) -> pyarrow.Schema: ...

class Loader:
    """Shuffled batches of the examples of a folder, made ahead by other threads.

    `dir` is the folder of a split, `.../Split-train` of an Examples artifact or any folder of Parquet files, or such a
    pattern as a trainer's `train_files` have, `.../Split-train/*`. Going through a loader once is an epoch; the next time is
    the next epoch, in another order. Without `seed` the examples come as they are. All ranks together see what one loader
    with `batch_size * world_size` would give; with several, what does not make a whole batch for each is left out of an
    epoch. `skip` leaves out batches of the first epoch. With `numpy`, a batch is a dictionary of arrays: those of numbers
    that are all there, and of vectors of such, are not copied.
    """

    def __init__(
        self,
        dir: Union[str, "PathLike[str]"],
        batch_size: int,
        rank: int = 0,
        world_size: int = 1,
        seed: Optional[int] = None,
        skip: int = 0,
        *,
        columns: Optional[Sequence[str]] = None,
        shuffle_rows: int = 16384,
        interleave: int = 4,
        prefetch: int = 2,
        numpy: bool = False,
    ) -> None: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __next__(self) -> Any: ...
    def skip(self, num_batches: int) -> None: ...
    def state_dict(self) -> dict[str, bytes]: ...
    def load_state_dict(self, state: dict[str, bytes]) -> None: ...
    @property
    def schema(self) -> pyarrow.Schema: ...
    @property
    def waited(self) -> float: ...

class TokenLoader:
    """An endless stream of batches of blocks of tokens, from the shards of a folder (`*.tokens`), mapped into memory.

    A batch is an array of 32-bit integers, shape `[batch_size, block_length + 1]`: the first `block_length` are what a model
    reads, the last as many what it has to predict.
    """

    def __init__(
        self,
        dir: Union[str, "PathLike[str]"],
        batch_size: int,
        rank: int = 0,
        world_size: int = 1,
        seed: Optional[int] = None,
        skip: int = 0,
        *,
        block_length: Optional[int] = None,
    ) -> None: ...
    def __iter__(self) -> Iterator["numpy.ndarray[Any, Any]"]: ...
    def __next__(self) -> "numpy.ndarray[Any, Any]": ...
    def skip(self, num_batches: int) -> None: ...
    def state_dict(self) -> dict[str, bytes]: ...
    def load_state_dict(self, state: dict[str, bytes]) -> None: ...
    @property
    def block_length(self) -> int: ...
    @property
    def num_blocks(self) -> int: ...
    @property
    def vocabulary_size(self) -> int: ...
    @property
    def epochs(self) -> float: ...
