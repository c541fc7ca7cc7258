"""TensorFlow Serving's REST API, asked by `requests`."""

import math
import sys

import requests

base = f"http://{sys.argv[1]}/v1/models/taxi"
session = requests.Session()

row = {"fare": 12.0, "company": "Yellow"}
answer = session.post(f"{base}:predict", json={"instances": [row, row]})
answer.raise_for_status()
predictions = answer.json()["predictions"]
assert len(predictions) == 2, predictions
assert predictions[0]["logit"] == [3.0], predictions
assert abs(predictions[0]["prediction"][0] - 1 / (1 + math.exp(-3))) < 1e-6

answer = session.post(f"{base}:predict", json={"inputs": {"fare": [12.0], "company": ["Yellow"]}})
assert answer.json()["outputs"]["logit"] == [[3.0]], answer.text

# Python writes NaN and Infinity as words, and reads them.
answer = session.post(f"{base}:predict", data='{"instances": [{"fare": Infinity, "company": "Yellow"}]}')
assert answer.json()["predictions"][0]["logit"] == [math.inf], answer.text

answer = session.post(f"{base}:classify", json={"examples": [row]})
assert [label for label, _ in answer.json()["results"][0]] == ["0", "1"], answer.text

assert session.get(base).json()["model_version_status"][0]["state"] == "AVAILABLE"
assert session.get(f"{base}/metadata").json()["model_spec"]["version"] == "1"

large = session.post(f"{base}:predict", json={"instances": [row] * 5000})
assert large.headers["content-encoding"] == "gzip", large.headers
assert len(large.json()["predictions"]) == 5000

error = session.post(f"{base}:predict", json={"instances": [{"fare": "x"}]})
assert error.status_code == 400 and "fare" in error.json()["error"], error.text
print("requests", requests.__version__)
