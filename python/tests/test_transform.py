"""The wheel as its users call it; pytest runs it where the wheel is installed."""

import json
import threading

import pyarrow as pa
import pytest

import cupola


@pytest.fixture
def graph(tmp_path):
    """A graph that takes the logarithm of fares and looks companies up."""
    (tmp_path / "assets").mkdir()
    description = {
        "version": 2,
        "vocabularies": [],
        "nodes": [
            {"op": "input", "constants": {"name": "fare", "type": "FLOAT"}},
            {"op": "literal", "constants": {"float": 1.0}},
            {"op": "add", "operands": [0, 1]},
            {"op": "ln", "operands": [2]},
            {"op": "input", "constants": {"name": "company", "type": "STRING"}},
            {"op": "hash", "operands": [4], "constants": {"num_buckets": 100}},
            {"op": "split", "operands": [4], "constants": {"separator": ""}},
        ],
        "outputs": [
            {"name": "log_fare", "node": 3},
            {"name": "company", "node": 5},
            {"name": "words", "node": 6},
            {"name": "same", "node": 4},
        ],
    }
    (tmp_path / "graph.json").write_text(json.dumps(description))
    return cupola.TransformGraph.load(tmp_path)


ROWS = {"fare": [0.0, None, 1.0], "company": ["Blue Cab", None, ""]}


def test_a_table_becomes_features(graph):
    features = graph.transform(pa.table(ROWS))
    assert features.schema == graph.schema
    assert features.column("log_fare").to_pylist() == pytest.approx([0.0, None, 0.6931472])
    assert features.column("company").to_pylist()[1] is None
    assert features.column("words").to_pylist() == [["Blue", "Cab"], None, []]


def test_chunks_batches_and_readers_are_taken_too(graph):
    expected = graph.transform(pa.table(ROWS)).to_pylist()
    chunked = pa.concat_tables([pa.table(ROWS).slice(0, 1), pa.table(ROWS).slice(1)])
    assert graph.transform(chunked).to_pylist() == expected
    batch = pa.RecordBatch.from_pydict(ROWS)
    assert graph.transform(batch).to_pylist() == expected
    assert graph.transform(pa.RecordBatchReader.from_batches(batch.schema, [batch])).to_pylist() == expected
    assert graph.transform(pa.table(ROWS).slice(0, 0)).num_rows == 0


def test_a_frame_of_polars_is_taken(graph):
    polars = pytest.importorskip("polars")
    assert graph.transform(polars.DataFrame(ROWS)).to_pylist() == graph.transform(pa.table(ROWS)).to_pylist()


def test_what_is_wrong_is_said(graph, tmp_path):
    with pytest.raises(cupola.CupolaError, match="feature `fare` is missing.*\n.*did you mean `fares`"):
        graph.transform(pa.table({"fares": [1.0], "company": ["a"]}))
    with pytest.raises(cupola.CupolaError, match="feature `fare` is Utf8"):
        graph.transform(pa.table({"fare": ["1"], "company": ["a"]}))
    with pytest.raises(cupola.CupolaError, match="graph.json"):
        cupola.TransformGraph.load(tmp_path / "nowhere")


def test_a_part_reads_less(graph):
    part = graph.project(["company"])
    assert part.inputs == [("company", "STRING")]
    assert part.schema.names == ["company"]
    with pytest.raises(cupola.CupolaError, match="does not make a feature `companies`"):
        graph.project(["companies"])


def test_nothing_is_copied(graph):
    """What a graph passes on has the memory that came in, and a table of one chunk stays one."""
    table = pa.table({"fare": [1.0] * 1000, "company": ["a b c"] * 1000})
    features = graph.transform(table)
    [before], [after] = table.column("company").chunks, features.column("same").chunks
    addresses = lambda array: [buffer.address for buffer in array.buffers() if buffer is not None]
    assert addresses(after)[-2:] == addresses(before)[-2:]
    # It stays when the table and the graph are gone.
    del table, before, graph
    assert features.column("same").to_pylist() == ["a b c"] * 1000


def test_other_threads_run_meanwhile(graph):
    table = pa.table({"fare": [1.0] * 2_000_000, "company": ["a b c"] * 2_000_000})
    ticks, done = [], threading.Event()

    def tick():
        while not done.wait(0.001):
            ticks.append(1)

    thread = threading.Thread(target=tick)
    thread.start()
    graph.transform(table)
    done.set()
    thread.join()
    assert len(ticks) > 5
