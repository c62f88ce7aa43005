"""The trainer of the flight-delay model, and what has its versions score logged predictions: examples of both.

They keep the contract of every trainer and scorer (docs/retraining.md): rows in, a model and the score of each held-out row out; a
model in, and rows of `ops.shadow_predictions` out.
"""

# ruff: noqa: PLC0415, PLR0917 - KFP takes the source of the function alone, and calls it by name
# mypy: disable-error-code="valid-type,misc,untyped-decorator"
from kfp import dsl
from kfp.dsl import Dataset, Input, Model, Output

from infra.training.locked import IMAGE, packages


@dsl.component(base_image=IMAGE, packages_to_install=packages("training"))
def train(
    source: dict,  # type: ignore[type-arg] # KFP knows no other spelling
    options: dict,  # type: ignore[type-arg] # as above
    training: Input[Dataset],
    holdout: Input[Dataset],
    model: Output[Model],
    predictions: Output[Dataset],
) -> None:
    """Fit gradient-boosted trees with native categories and missing values, and score the held-out rows."""
    import pickle
    from pathlib import Path

    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.preprocessing import OrdinalEncoder

    numeric, categorical = list(source["numeric"]), list(source["categorical"])
    rows, later = pq.read_table(training.path), pq.read_table(holdout.path)
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan)
    texts = [np.array([table[name].to_pylist() for name in categorical], dtype=object).T for table in (rows, later)]
    codes.fit(texts[0])
    numbers = [np.column_stack([table[name].to_numpy() for name in numeric]) for table in (rows, later)]
    features = [np.hstack([part, codes.transform(text)]) for part, text in zip(numbers, texts, strict=True)]
    trees = HistGradientBoostingClassifier(
        learning_rate=options.get("learning_rate", 0.08),
        max_iter=int(options.get("rounds", 150)),
        l2_regularization=1.0,
        categorical_features=np.arange(features[0].shape[1]) >= len(numeric),
        random_state=2013,
    )
    trees.fit(features[0], rows["label_"].to_numpy().astype(int))
    scores = trees.predict_proba(features[1])[:, 1]
    pq.write_table(pa.table({"prediction_id": later["prediction_id"], "score": scores}), predictions.path)
    with Path(model.path).open("wb") as file:
        pickle.dump({"numeric": numeric, "categorical": categorical, "codes": codes, "trees": trees}, file)
    model.framework = "scikit-learn"
    model.metadata["rows"] = rows.num_rows


@dsl.component(base_image=IMAGE, packages_to_install=packages("training"))
def score(
    project: str,
    model: str,
    model_version: str,
    window_start: str,
    window_end: str,
    source: dict,  # type: ignore[type-arg] # as above
    trained: Input[Model],
) -> int:
    """Have a version score the logged predictions of a window that it has not scored; returns their number."""
    import pickle
    from datetime import UTC, datetime
    from pathlib import Path

    import numpy as np

    from functions.adapters.warehouse import open_warehouse
    from infra.training.steps.score import Target, append, unscored
    from infra.training.steps.table import ID

    kept = pickle.loads(Path(trained.path).read_bytes())  # noqa: S301 - what the trainer above wrote
    warehouse = open_warehouse(project)
    target = Target(
        model=model,
        version=model_version,
        start=datetime.fromisoformat(window_start),
        end=datetime.fromisoformat(window_end),
        **{name: source[name] for name in ("table", "timestamp", "id")},
        numeric=tuple(kept["numeric"]),
        categorical=tuple(kept["categorical"]),
    )
    rows = unscored(warehouse, target)
    if not rows[ID].size:
        return 0
    texts = np.array([rows[name] for name in target.categorical], dtype=object).T
    numbers = np.column_stack([rows[name] for name in target.numeric])
    scores = kept["trees"].predict_proba(np.hstack([numbers, kept["codes"].transform(texts)]))[:, 1]
    append(warehouse, target, rows, scores, datetime.now(UTC))
    return int(scores.size)
