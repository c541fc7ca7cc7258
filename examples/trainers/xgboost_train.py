"""XGBoost: boosted trees, with a line of metrics after each."""

import os

import taxi


def run_fn(fn_args):
    import xgboost

    (x, y), (eval_x, eval_y) = taxi.examples(fn_args)

    class Report(xgboost.callback.TrainingCallback):
        def after_iteration(self, model, epoch, evals_log):
            fn_args.report(
                step=epoch + 1,
                loss=evals_log["train"]["logloss"][-1],
                eval_loss=evals_log["eval"]["logloss"][-1],
            )
            return False

    train, held_out = xgboost.DMatrix(x, y), xgboost.DMatrix(eval_x, eval_y)
    booster = xgboost.train(
        {
            "objective": "binary:logistic",
            "max_depth": 5,
            "eta": 0.2,
            "eval_metric": "logloss",
            "seed": fn_args.hyperparameters["seed"],
            "nthread": 1,
        },
        train,
        num_boost_round=min(fn_args.train_steps, 40),
        evals=[(train, "train"), (held_out, "eval")],
        callbacks=[Report()],
        verbose_eval=False,
    )
    booster.save_model(os.path.join(fn_args.serving_model_dir, "booster.json"))
    taxi.leave_program(fn_args, "xgboost_train")


def load(folder, features):
    import xgboost

    booster = xgboost.Booster(model_file=os.path.join(folder, "booster.json"))
    return lambda x: booster.predict(xgboost.DMatrix(x))
