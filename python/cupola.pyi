"""Transform graphs of Cupola pipelines: Arrow in, Arrow out."""

from os import PathLike
from typing import Any, Sequence, Union

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
