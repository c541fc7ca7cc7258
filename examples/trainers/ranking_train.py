"""A ranking with XGBoost: trees that put the trips of one hour in order, asked through a program."""

import os

import numpy as np

import taxi


def run_fn(fn_args):
    import xgboost

    def matrix(patterns, x, y):
        # XGBoost wants the examples of one query one behind the other.
        query = taxi.read(patterns, [fn_args.query])[:, 0]
        order = np.argsort(query, kind="stable")
        return xgboost.DMatrix(x[order], y[order], qid=query[order].astype(int))

    patterns = (fn_args.train_files, fn_args.eval_files)
    train, held_out = (matrix(files, x, y) for files, (x, y) in zip(patterns, taxi.examples(fn_args)))

    class Report(xgboost.callback.TrainingCallback):
        def after_iteration(self, model, epoch, evals_log):
            ndcg = {name: values["ndcg"][-1] for name, values in evals_log.items()}
            fn_args.report(step=epoch + 1, ndcg=ndcg["train"], eval_ndcg=ndcg["eval"])
            return False

    booster = xgboost.train(
        {
            "objective": "rank:ndcg",
            "eval_metric": "ndcg",
            "max_depth": 4,
            "seed": fn_args.hyperparameters["seed"],
            "nthread": 1,
        },
        train,
        num_boost_round=fn_args.train_steps,
        evals=[(train, "train"), (held_out, "eval")],
        callbacks=[Report()],
        verbose_eval=False,
    )
    booster.save_model(os.path.join(fn_args.serving_model_dir, "booster.json"))
    taxi.leave_program(fn_args, "ranking_train")


def load(folder, features):
    import xgboost

    booster = xgboost.Booster(model_file=os.path.join(folder, "booster.json"))
    return lambda x: booster.predict(xgboost.DMatrix(x))
