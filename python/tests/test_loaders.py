"""Loaders as trainers call them; pytest runs it where the wheel is installed."""

import json
import pathlib
import threading
import time
import types

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import cupola


@pytest.fixture
def split(tmp_path):
    """A split of three files of 1,000 examples all together."""
    dir = tmp_path / "Split-train"
    dir.mkdir()
    ids = np.arange(1000)
    vectors = np.stack([ids, -ids], axis=1).astype(np.float32)
    table = pa.table({
        "id": ids,
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), 2),
        "name": [f"row {id}" if id % 3 else None for id in ids],
    })
    for number, start in enumerate([0, 100, 600]):
        end = [100, 600, 1000][number]
        pq.write_table(table.slice(start, end - start), dir / f"data-{number}.parquet", row_group_size=90)
    return dir


def ids(batch):
    batch_ids = batch["id"].tolist() if isinstance(batch, dict) else batch.column("id").to_pylist()
    return batch_ids


def test_an_epoch_has_every_example_once_in_an_order_of_its_own(split):
    loader = cupola.Loader(split, 64, seed=1)
    epochs = [[id for batch in loader for id in ids(batch)] for _ in range(2)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(1000))
    assert epochs[0] != epochs[1]
    again = [id for batch in cupola.Loader(f"{split}/*", 64, seed=1) for id in ids(batch)]
    assert again == epochs[0]
    plain = [id for batch in cupola.Loader(split, 64) for id in ids(batch)]
    assert plain == list(range(1000))
    assert loader.schema.names == ["id", "vector", "name"]
    assert loader.waited >= 0


def test_ranks_share_what_one_would_give(split):
    together = [ids(batch) for batch in cupola.Loader(split, 64, seed=1)]
    ranks = [[ids(b) for b in cupola.Loader(split, 16, rank=r, world_size=4, seed=1)] for r in range(4)]
    assert all(len(rank) == 1000 // 64 for rank in ranks)
    for step, expected in enumerate(together[:15]):
        assert [id for rank in ranks for id in rank[step]] == expected


def test_a_resumed_loader_gives_what_the_other_would_have_given(split):
    loader = cupola.Loader(split, 64, seed=5)
    for _ in range(19):
        # The seventeenth is the end of the first epoch.
        next(loader, None)
    state = loader.state_dict()
    expected = [ids(batch) for batch in loader]
    other = cupola.Loader(split, 64, seed=5)
    next(other)
    other.load_state_dict(state)
    assert [ids(batch) for batch in other] == expected
    skipped = cupola.Loader(split, 64, seed=5, skip=3)
    assert ids(next(skipped)) == ids([batch for batch in cupola.Loader(split, 64, seed=5)][3])
    with pytest.raises(cupola.CupolaError, match="another seed"):
        cupola.Loader(split, 64, seed=6).load_state_dict(state)
    with pytest.raises(KeyError, match="no `position`"):
        other.load_state_dict({})


def test_arrays_are_those_of_the_batch_and_are_not_copied(split):
    batch = next(cupola.Loader(split, 50, seed=1, numpy=True))
    assert batch["id"].dtype == np.int64 and batch["vector"].shape == (50, 2)
    assert (batch["vector"][:, 0] == batch["id"]).all() and (batch["vector"][:, 1] == -batch["id"]).all()
    expected = [f"row {id}" if id % 3 else None for id in batch["id"]]
    assert batch["name"].tolist() == expected
    # Memory of the batch, which somebody else owns.
    assert not batch["id"].flags.owndata and not batch["vector"].flags.owndata
    only = next(cupola.Loader(split, 50, columns=["id"]))
    assert only.schema.names == ["id"]


def test_other_threads_run_while_a_batch_is_waited_for(split):
    counted = [0]
    ended = threading.Event()

    def count():
        while not ended.is_set():
            counted[0] += 1
            time.sleep(0)

    thread = threading.Thread(target=count)
    thread.start()
    for _ in range(3):
        list(cupola.Loader(split, 7, seed=1))
    ended.set()
    thread.join()
    assert counted[0] > 10


def test_mistakes_are_named(split, tmp_path):
    with pytest.raises(cupola.CupolaError, match="`rank` is 2, expected between 0 and 1"):
        cupola.Loader(split, 8, rank=2, world_size=2)
    with pytest.raises(cupola.CupolaError, match="batch_size"):
        cupola.Loader(split, 0)
    with pytest.raises(KeyError, match="no column `idd`, there are id, vector, name"):
        cupola.Loader(split, 8, columns=["idd"])
    with pytest.raises(cupola.CupolaError):
        cupola.Loader(tmp_path / "nothing", 8)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(cupola.CupolaError, match="a.parquet"):
        cupola.Loader(tmp_path / "broken", 8)


@pytest.fixture
def tokens(tmp_path):
    """Seventeen blocks of four tokens, of which the first tells which block it is."""
    numbers = np.arange(17 * 4 + 1, dtype=np.uint16)
    (tmp_path / "a.tokens").write_bytes(numbers.tobytes())
    header = {"version": 1, "vocabulary_size": 1000, "token_bytes": 2, "num_tokens": len(numbers), "block_length": 4}
    (tmp_path / "a.tokens.json").write_text(json.dumps(header))
    return tmp_path


def test_blocks_of_tokens_come_shuffled_by_rank_and_resume(tokens):
    loader = cupola.TokenLoader(tokens, 3, seed=2)
    assert (loader.block_length, loader.num_blocks, loader.vocabulary_size) == (4, 17, 1000)
    batch = next(loader)
    assert batch.dtype == np.int32 and batch.shape == (3, 5)
    assert (np.diff(batch, axis=1) == 1).all()
    assert not batch.flags.owndata
    blocks = [(row[0] // 4).item() for batch in [batch] + [next(loader) for _ in range(16)] for row in batch]
    assert all(sorted(blocks[at:at + 17]) == list(range(17)) for at in (0, 17, 34))
    assert loader.epochs == 3
    state = loader.state_dict()
    expected = [next(loader).tolist() for _ in range(5)]
    other = cupola.TokenLoader(tokens, 3, seed=2)
    other.load_state_dict(state)
    assert [next(other).tolist() for _ in range(5)] == expected
    ranks = [cupola.TokenLoader(tokens, 1, rank=rank, world_size=3, seed=2, skip=17) for rank in range(3)]
    assert [row for rank in ranks for row in next(rank).tolist()] == expected[0]
    halves = cupola.TokenLoader(tokens, 2, block_length=2)
    assert next(halves).tolist() == [[0, 1, 2], [2, 3, 4]]


def test_what_the_page_about_training_shows_runs(split, tokens):
    page = (pathlib.Path(__file__).parents[2] / "docs" / "training.md").read_text()
    code = page.split("<!-- snippet: loader.py -->\n```python\n")[1].split("```")[0]
    learned, saved = [], []
    fn_args = types.SimpleNamespace(train_files=[f"{split}/*"])
    given = {"cupola": cupola, "fn_args": fn_args, "rank": 0, "world_size": 1, "dir": tokens}
    exec(code, {**given, "learn": learned.append, "save": saved.append}, shown := {})
    assert len(learned) == 3 * 4 and len(saved) == 3
    assert shown["block"].shape == (8, 5)


def test_spoiled_tokens_are_named(tokens):
    with open(tokens / "a.tokens", "r+b") as file:
        file.write(b"\xff\xff")
    with pytest.raises(cupola.CupolaError, match="token 65535 at 0"):
        next(cupola.TokenLoader(tokens, 1))
    (tokens / "a.tokens").write_bytes(b"\0")
    with pytest.raises(cupola.CupolaError, match="the size in bytes is 1"):
        cupola.TokenLoader(tokens, 1)
