"""Asks scikit-learn what the features of this folder's data tell about one another, in bits.

    python answer.py        # needs scikit-learn; the version that gave the answers is in answer.json

Writes data.json, columns of 500 examples, and answer.json: for each label, what every other column tells about it.
Of two columns of names that is the mutual information less the expected one, of others the estimate from the three
nearest neighbours. No name is rare: among fewer than seven examples scikit-learn measures distances with rounding
errors, which decide about neighbours.
"""

import json
import math
import pathlib

import numpy as np
import sklearn
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression
from sklearn.metrics import mutual_info_score
from sklearn.metrics.cluster import contingency_matrix, expected_mutual_information

rng = np.random.default_rng(7)
NUM = 500
x = rng.normal(size=NUM)
name = np.where(x + rng.normal(size=NUM) > 0.5, "high", np.where(x < -0.5, "low", "mid"))
data = {
    "x": x,
    "y": 0.7 * x + math.sqrt(1 - 0.7**2) * rng.normal(size=NUM),
    "far": 5 + rng.exponential(size=NUM),
    "name": name,
    "other": rng.choice(["a", "b", "c", "d"], size=NUM),
    "many": np.array([f"id{i}" for i in rng.integers(0, 25, size=NUM)]),
}
data = {key: [float(v) if isinstance(v, float) else str(v) for v in column] for key, column in data.items()}


def tells(column, label):
    a, b = np.array(data[column]), np.array(data[label])
    if a.dtype.kind == "U" and b.dtype.kind == "U":
        expected = expected_mutual_information(contingency_matrix(a, b, sparse=True).astype(np.int64), NUM)
        return mutual_info_score(a, b) - expected
    if b.dtype.kind == "U":
        return mutual_info_classif(a.reshape(-1, 1), b, discrete_features=False, random_state=0)[0]
    if a.dtype.kind == "U":
        return mutual_info_classif(b.reshape(-1, 1), a, discrete_features=False, random_state=0)[0]
    return mutual_info_regression(a.reshape(-1, 1), b, discrete_features=False, random_state=0)[0]


answers = {
    label: {column: max(0.0, float(tells(column, label))) / math.log(2) for column in data if column != label}
    for label in data
}
folder = pathlib.Path(__file__).parent
(folder / "data.json").write_text(json.dumps(data) + "\n")
(folder / "answer.json").write_text(json.dumps({"scikit-learn": sklearn.__version__, "bits": answers}, indent=1) + "\n")
