"""scikit-learn: a random forest."""

import os
import pickle

import taxi


def run_fn(fn_args):
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
    with open(os.path.join(fn_args.serving_model_dir, "forest.pickle"), "wb") as file:
        pickle.dump(forest, file)
    taxi.leave_program(fn_args, "sklearn_train")


def load(folder, features):
    with open(os.path.join(folder, "forest.pickle"), "rb") as file:
        forest = pickle.load(file)
    return lambda x: forest.predict_proba(x)[:, 1]
