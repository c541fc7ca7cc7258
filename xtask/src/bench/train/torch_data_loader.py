import glob
import random
import sys
import time

import pyarrow.parquet as pq
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

FILES = sorted(glob.glob(sys.argv[1] + "/*"))


class Rows(IterableDataset):
    """Rows of Parquet files through a buffer, as an iterable dataset is usually written."""

    def groups(self):
        worker = get_worker_info()
        place, count = (worker.id, worker.num_workers) if worker else (0, 1)
        all_groups = [(file, group) for file in FILES for group in range(pq.ParquetFile(file).num_row_groups)]
        random.Random(1).shuffle(all_groups)
        return all_groups[place::count]

    def rows(self):
        for file, group in self.groups():
            table = pq.ParquetFile(file).read_row_group(group)
            columns = {}
            for name, column in zip(table.column_names, table.columns):
                filler = "" if str(column.type) == "string" else 0
                columns[name] = column.fill_null(filler).to_numpy()
            names, arrays = list(columns), list(columns.values())
            for row in zip(*arrays):
                yield dict(zip(names, row))

    def __iter__(self):
        drawn, buffer = random.Random(2), []
        for row in self.rows():
            if len(buffer) < 16_384 // 2:
                buffer.append(row)
                continue
            place = drawn.randrange(len(buffer))
            yield buffer[place]
            buffer[place] = row
        drawn.shuffle(buffer)
        yield from buffer


if __name__ == "__main__":
    torch.set_num_threads(1)
    loader = DataLoader(Rows(), batch_size=256, num_workers=2, prefetch_factor=4)
    begin, rows = time.perf_counter(), 0
    for batch in loader:
        rows += batch["hour"].shape[0]
    print(rows / (time.perf_counter() - begin), rows)
