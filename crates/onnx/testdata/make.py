"""Makes the models of the tests: `python make.py` with scikit-learn, skl2onnx, xgboost, onnxmltools and onnx, then
`python make.py expected` with onnxruntime, which writes what each model gives.

Made with scikit-learn 1.9.1, skl2onnx 1.20.0, xgboost 3.2.0, onnxmltools 1.16.0, onnx 1.23.2 and onnxruntime.
"""

import json
import sys

import numpy as np

rng = np.random.default_rng(7)
x = rng.normal(size=(400, 3)).astype(np.float32)
y = (x[:, 0] + x[:, 1] * x[:, 2] > 0).astype(np.int64)
rows = x[:16].copy()
holes = rows.copy()
holes[::3, 1] = np.nan


def make():
    import onnx
    from onnx import TensorProto, helper
    from onnxmltools import convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType as XgbFloat
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from xgboost import XGBClassifier

    takes = [("float_input", FloatTensorType([None, 3]))]
    for name, model in {
        "logistic": LogisticRegression(),
        "forest": RandomForestClassifier(n_estimators=5, max_depth=4, random_state=1),
        "mlp": MLPClassifier(hidden_layer_sizes=(8,), max_iter=200, random_state=1),
        "linear": LinearRegression(),
    }.items():
        model.fit(x, y)
        options = {} if name == "linear" else {id(model): {"zipmap": False}}
        onx = convert_sklearn(model, initial_types=takes, options=options, target_opset=17)
        open(f"{name}.onnx", "wb").write(onx.SerializeToString())
    boosted = XGBClassifier(n_estimators=5, max_depth=3, random_state=1).fit(np.where(rng.random(x.shape) < 0.1, np.nan, x), y)
    onx = convert_xgboost(boosted, initial_types=[("float_input", XgbFloat([None, 3]))], target_opset=15)
    open("xgboost.onnx", "wb").write(onx.SerializeToString())

    # Inputs with the names of features: a number, an id that an embedding is looked up by.
    named = helper.make_graph(
        [
            helper.make_node("Gather", ["table", "company"], ["looked_up"]),
            helper.make_node("ReduceSum", ["looked_up", "axis"], ["bias"], keepdims=0),
            helper.make_node("Add", ["fare", "bias"], ["logit"]),
            helper.make_node("Sigmoid", ["logit"], ["prediction"]),
        ],
        "named",
        [
            helper.make_tensor_value_info("fare", TensorProto.FLOAT, ["rows"]),
            helper.make_tensor_value_info("company", TensorProto.INT64, ["rows"]),
        ],
        [
            helper.make_tensor_value_info("logit", TensorProto.FLOAT, ["rows"]),
            helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["rows"]),
        ],
        [
            helper.make_tensor("table", TensorProto.FLOAT, [3, 2], [0.5, 0.25, -1.0, 0.0, 2.0, -0.5]),
            helper.make_tensor("axis", TensorProto.INT64, [1], [1]),
        ],
    )
    model = helper.make_model(named, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    open("named.onnx", "wb").write(model.SerializeToString())
    # Inputs and outputs of every type.
    types = helper.make_graph(
        [
            helper.make_node("LabelEncoder", ["text"], ["known"], domain="ai.onnx.ml", keys_strings=["a", "b"], values_floats=[1.0, 2.0], default_float=-1.0),
            helper.make_node("Cast", ["double"], ["double_float"], to=TensorProto.FLOAT),
            helper.make_node("Cast", ["int32"], ["int32_float"], to=TensorProto.FLOAT),
            helper.make_node("Cast", ["bool"], ["bool_float"], to=TensorProto.FLOAT),
            helper.make_node("Add", ["known", "double_float"], ["sum_2"]),
            helper.make_node("Add", ["sum_2", "int32_float"], ["sum_3"]),
            helper.make_node("Add", ["sum_3", "bool_float"], ["prediction"]),
            helper.make_node("Cast", ["prediction"], ["as_double"], to=TensorProto.DOUBLE),
            helper.make_node("Cast", ["prediction"], ["as_int64"], to=TensorProto.INT64),
            helper.make_node("Cast", ["prediction"], ["as_int32"], to=TensorProto.INT32),
            helper.make_node("Cast", ["prediction"], ["as_bool"], to=TensorProto.BOOL),
            helper.make_node("Identity", ["text"], ["as_text"]),
        ],
        "types",
        [
            helper.make_tensor_value_info(name, kind, ["rows"])
            for name, kind in [
                ("text", TensorProto.STRING),
                ("double", TensorProto.DOUBLE),
                ("int32", TensorProto.INT32),
                ("bool", TensorProto.BOOL),
            ]
        ],
        [
            helper.make_tensor_value_info(name, kind, ["rows"])
            for name, kind in [
                ("prediction", TensorProto.FLOAT),
                ("as_double", TensorProto.DOUBLE),
                ("as_int64", TensorProto.INT64),
                ("as_int32", TensorProto.INT32),
                ("as_bool", TensorProto.BOOL),
                ("as_text", TensorProto.STRING),
            ]
        ],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 2)]
    model = helper.make_model(types, opset_imports=opsets, ir_version=8)
    onnx.checker.check_model(model)
    open("types.onnx", "wb").write(model.SerializeToString())
    for name, kind, shape in [("fixed", "Relu", [4, 3]), ("unknown", "NotThere", ["rows", 3])]:
        graph = helper.make_graph(
            [helper.make_node(kind, ["x"], ["prediction"])],
            name,
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, shape)],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        open(f"{name}.onnx", "wb").write(model.SerializeToString())


def expected():
    import onnxruntime

    gives = {}
    for name in ["logistic", "forest", "mlp", "xgboost", "linear"]:
        session = onnxruntime.InferenceSession(f"{name}.onnx")
        output = "variable" if name == "linear" else "probabilities"
        inputs = holes if name == "xgboost" else rows
        given = session.run([output], {"float_input": inputs})[0]
        gives[name] = {
            "output": output,
            "inputs": [None if np.isnan(v) else float(v) for v in inputs.ravel()],
            "outputs": [float(v) for v in given.ravel()],
        }
    session = onnxruntime.InferenceSession("named.onnx")
    given = session.run(["prediction"], {"fare": np.float32([0.5, -2]), "company": np.int64([0, 2])})[0]
    gives["named"] = {"outputs": [float(v) for v in given]}
    json.dump(gives, open("expected.json", "w"), indent=1)


expected() if sys.argv[1:] == ["expected"] else make()
