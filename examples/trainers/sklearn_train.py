"""scikit-learn: a random forest, as an ONNX file that Cupola runs itself."""

import os

import taxi


def run_fn(fn_args):
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn.ensemble import RandomForestClassifier

    (x, y), (eval_x, eval_y) = taxi.examples(fn_args)
    forest = RandomForestClassifier(
        n_estimators=50, max_depth=8, random_state=fn_args.hyperparameters["seed"]
    ).fit(x, y)
    fn_args.report(
        step=1,
        loss=taxi.log_loss(y, forest.predict_proba(x)[:, 1]),
        eval_loss=taxi.log_loss(eval_y, forest.predict_proba(eval_x)[:, 1]),
    )
    # Probabilities as a matrix, and not as a sequence of maps.
    model = convert_sklearn(
        forest,
        initial_types=[("features", FloatTensorType([None, x.shape[1]]))],
        options={id(forest): {"zipmap": False}},
        target_opset=17,
    )
    with open(os.path.join(fn_args.serving_model_dir, "model.onnx"), "wb") as file:
        file.write(model.SerializeToString())
