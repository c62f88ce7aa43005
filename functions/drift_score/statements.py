"""The statements: fixed text, but for the tables and columns that the settings name.

The settings check every such name; it is quoted here, so that a column may be called `hour` or `order`. Values are
parameters.
"""

from pathlib import Path

from core.settings import Label, Model

_TEXTS = {path.stem: path.read_text().rstrip() for path in Path(__file__).parent.glob("*.sql")}

VERSION = _TEXTS["version"]
WRITE_SCORES = _TEXTS["write_scores"]
WRITE_PERFORMANCE = _TEXTS["write_performance"]


def window(model: Model) -> str:
    """The features between two instants; parameters `model`, `window_start`, `window_end` and `most`."""
    features = ", ".join(map(_quoted, model.features.names))
    return _TEXTS["window"].format(features=features, **_names(model))


def accuracy(model: Model, label: Label) -> str:
    """How often the model was right between two instants; parameters `model`, `window_start` and `window_end`."""
    return _TEXTS["accuracy"].format(
        score=_quoted(model.score), label=_quoted(label.column), label_table=_quoted(label.table), **_names(model)
    )


def _names(model: Model) -> dict[str, str]:
    return {"table": _quoted(model.table), "timestamp": _quoted(model.timestamp), "id": _quoted(model.id)}


def _quoted(path: str) -> str:
    return ".".join(f"`{part}`" for part in path.split("."))
