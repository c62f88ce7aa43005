"""The model of the demonstration: whether a flight arrives more than 15 minutes late, predicted at departure.

    python -m infra.local.replay.train

prints how right it is, month by month. It is trained on January and February and never sees another row;
gradient-boosted trees with native categories and missing values, seeded, so that the same file gives the same
predictions.
"""

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from infra.local.replay.flights import CATEGORICAL, FLIGHTS, Array, Flights

_SEED = 2013
_DIGITS = 6


def train(features: Array, late: Array) -> HistGradientBoostingClassifier:
    """Fit the model.

    Args:
        features: from `matrix`.
        late: the label of each row.
    """
    columns = np.arange(features.shape[1])
    model = HistGradientBoostingClassifier(
        learning_rate=0.08,
        max_iter=150,
        l2_regularization=1.0,
        categorical_features=columns >= features.shape[1] - len(CATEGORICAL),
        random_state=_SEED,
    )
    return model.fit(features, late)


def matrix(flights: Flights) -> Array:
    """The features as one array of float32, numeric ones first, categories as their codes."""
    codes = [column.indices.to_numpy() for column in flights.categorical.values()]
    return np.column_stack([*flights.numeric.values(), *codes]).astype(np.float32)


def score(flights: Flights, rows: slice = slice(None)) -> Array:
    """Train on the months that are for it, and score every flight, or some.

    Args:
        flights: all of them.
        rows: those that are scored.

    Returns:
        The probability that each flight arrives late, 0 to 1, rounded to six digits.
    """
    features = matrix(flights)
    model = train(features[flights.trained_on], flights.late[flights.trained_on])
    return np.asarray(np.round(model.predict_proba(features[rows])[:, 1], _DIGITS))


def main() -> None:
    """Print accuracy, what always saying "on time" would reach, and the area under the ROC curve, by month."""
    flights = Flights.read(FLIGHTS)
    scores = score(flights)
    months = flights.scored_at.astype("datetime64[m]").astype("datetime64[M]")
    print("month    flights   late  accuracy  on-time rule    AUC")
    for month in np.unique(months[months < np.datetime64("2014-01")]):
        rows = months == month
        late, probability = flights.late[rows], scores[rows]
        accuracy = np.mean((probability >= 0.5) == late)  # noqa: PLR2004 - a probability of one half
        auc = roc_auc_score(late, probability)
        trained = "  trained on" if month < np.datetime64("2013-03") else ""
        print(
            f"{month}  {rows.sum():7d}  {late.mean():.3f}     {accuracy:.3f}         {1 - late.mean():.3f}  {auc:.3f}{trained}"
        )


if __name__ == "__main__":
    main()
