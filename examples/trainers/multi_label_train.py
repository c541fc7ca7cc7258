"""Several labels with scikit-learn: a small network with one probability for each, as an ONNX file."""

import os

import taxi


def run_fn(fn_args):
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn.neural_network import MLPClassifier

    (x, y), (eval_x, eval_y) = taxi.examples(fn_args)
    # A matrix of 0 and 1 as the labels makes one sigmoid for each column, and no softmax over them.
    network = MLPClassifier((32,), max_iter=40, random_state=fn_args.hyperparameters["seed"]).fit(x, y)
    fn_args.report(
        step=network.n_iter_,
        loss=taxi.log_loss(y, network.predict_proba(x)),
        eval_loss=taxi.log_loss(eval_y, network.predict_proba(eval_x)),
    )
    model = convert_sklearn(
        network,
        initial_types=[("features", FloatTensorType([None, x.shape[1]]))],
        options={id(network): {"zipmap": False}},
        target_opset=17,
    )
    with open(os.path.join(fn_args.serving_model_dir, "model.onnx"), "wb") as file:
        file.write(model.SerializeToString())
