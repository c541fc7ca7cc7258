"""Answers Cupola's questions, a JSON object on each line, until there are no more.

A question is {"id": 1, "num_rows": 2, "columns": {"fare": [0.5, null], ...}}, the answer
{"id": 1, "columns": {"prediction": [0.25, 0.75]}}, or {"id": 1, "error": "..."}. The first line says that all is loaded.
"""

import importlib
import json
import os
import sys

# Answers go to standard output alone, whatever libraries print.
answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)

import numpy as np  # noqa: E402

here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "about.json"), encoding="utf-8") as file:
    about = json.load(file)
predict = importlib.import_module(about["module"]).load(here, about["features"])
names = [feature["name"] for feature in about["features"]]

print(json.dumps({"ready": True}), file=answers, flush=True)
for line in sys.stdin:
    question = json.loads(line)
    try:
        columns = [np.array(question["columns"][name], dtype=np.float32) for name in names]
        probabilities = predict(np.stack(columns, axis=1)).tolist() if question["num_rows"] else []
        answer = {"id": question["id"], "columns": {"prediction": probabilities}}
    except Exception as error:  # the next question may be a better one
        answer = {"id": question["id"], "error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), file=answers, flush=True)
