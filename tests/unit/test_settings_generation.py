"""The log of a generative model in the settings: what of it is read, which features it makes, and what is refused."""

import json
from typing import Any

import pytest
from hypothesis import given

from core.generative.columns import computed_columns
from core.settings import Generation, Model, Task, parse, parse_model
from core.settings.generation import PII_KINDS
from tests.support.builders import settings as support
from tests.support.builders.settings import JUNK, Path, faults, told

BARE = {key: value for key, value in support.MODEL.items() if key not in {"score", "features"}}
LOG: dict[str, Any] = {
    "response": "response",
    "tokens_in": "prompt_tokens",
    "tokens_out": "completion_tokens",
    "prices": {"tokens_in": 0.15, "tokens_out": 0.6},
    "first_token": "first_token_seconds",
    "total": "total_seconds",
    "status": "http_status",
    "finish_reason": "finish_reason",
    "json_schema": {"type": "object", "title": "An answer", "properties": {"a": {"type": "string", "default": None}}},
    "scores": ["helpfulness"],
    "embeddings": [{"column": "prompt_embedding", "dimensions": 768, "projections": 2}],
    "limits": {"refusal_ratio": 0.05, "total_p95": 8},
}
SAMPLE: dict[str, Any] = {
    "version": 1,
    "jobs": {},
    "models": [BARE | {"task": "generative", "generation": LOG}],
}


def changed(*path: str | int, to: object) -> dict[str, Any]:
    return support.changed(SAMPLE, ("models", 0, *path), to)


def read(raw: object) -> Model:
    [model] = parse(raw).models
    return model


def log_of(model: Model) -> Generation:
    assert model.generation is not None
    return model.generation


def test_what_the_log_has_are_features_of_the_model_and_the_first_is_its_score() -> None:
    model = read(SAMPLE)
    assert (model.task, model.score) == (Task.GENERATIVE, "prompt_tokens")
    assert model.features.numeric == (
        *("prompt_tokens", "completion_tokens", "first_token_seconds", "total_seconds"),
        *("dollars_", "response_characters_", "helpfulness", "prompt_embedding_1_", "prompt_embedding_2_"),
    )
    assert model.features.categorical == (
        *("finish_reason", "http_status", "language_", "failed_", "refused_", "truncated_", "empty_"),
        *("invalid_format_", "pii_"),
    )
    assert json.loads(log_of(model).json_schema or "") == {"type": "object", "properties": {"a": {"type": "string"}}}


def test_every_computed_feature_has_an_expression_and_no_other_has() -> None:
    model = read(SAMPLE)
    computed = {name for name in model.features.names if name.endswith("_")}
    assert computed_columns(log_of(model)).keys() == computed


def test_other_columns_are_features_beside_them() -> None:
    raw = changed("features", to={"categorical": ["route", "finish_reason"]})
    raw["models"][0]["score"] = "total_seconds"
    model = read(raw)
    assert (model.score, model.features.categorical[:2]) == ("total_seconds", ("route", "finish_reason"))
    assert len({*model.features.names}) == len(model.features.names)


@pytest.mark.parametrize(
    ("log", "names"),
    [
        ({"total": "seconds"}, "seconds"),
        ({"retrieved": "documents"}, "documents empty_context_"),
        ({"total": "seconds", "finish_reason": "why", "refused_by": []}, "seconds why truncated_"),
        ({"response": "text", "pii": [], "detect_language": False}, "response_characters_ empty_"),
        ({"response": "text", "pii": ["ip"], "language": "lang"}, "response_characters_ empty_ pii_ lang"),
        ({"total": "s", "retrieval_hit": "hit", "refused": "no"}, "s retrieval_hit_ refused_"),
        ({"cost": "dollars", "retries": "retries"}, "dollars retries"),
        ({"prompt": "asked"}, "prompt_characters_ prompt_language_"),
    ],
    ids=str,
)
def test_a_log_has_the_features_of_what_it_names(log: dict[str, Any], names: str) -> None:
    assert {*read(changed("generation", to=log)).features.names} == {*names.split()}


def test_patterns_of_personal_data_are_looked_for_by_default() -> None:
    assert log_of(read(SAMPLE)).pii == PII_KINDS


def test_a_model_of_the_table_is_read_alike() -> None:
    assert parse_model(SAMPLE["models"][0]).features == read(SAMPLE).features


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        (("generation",), ..., "generation: must be given where the task is generative"),
        (("task",), "binary", "generation: must not be given where the task is binary, got"),
        (("generation",), {}, "generation.response: must be given, or another column"),
        (("generation",), {"status": "s"}, "score: must be given where generation has no numeric feature"),
        (("label",), {"column": "late", "arrives_within": "1h"}, "label: must not be given where generation is given"),
        (
            ("generation", "total"),
            "RESPONSE",
            "generation.total: must be another column than that of every other key, response has it, got 'RESPONSE'",
        ),
        (
            ("generation", "embeddings"),
            [{"column": "vector", "dimensions": 16}] * 2,
            "generation.embeddings[1].column: must be another column than that of every other key, embeddings[0].column has it",
        ),
        (("generation", "scores"), ["rating", "rating_"], "generation.scores[1]: must not end in _"),
        (("generation", "total"), "total_", "generation.total: must not end in _"),
        (("generation", "tokens_in"), ..., "generation.tokens_in: must be given where prices is given"),
        (("generation", "limits"), {"auc": 1}, "generation.limits.auc: must be one of error_ratio, refusal_ratio"),
        (("generation", "limits"), {"error_ratio": 2}, "generation.limits.error_ratio: must be a number from 0 to 1"),
        (("generation", "pii"), ["name"], "generation.pii[0]: must be one of email, phone, iban, card, ip"),
        (("generation", "prices", "tokens_in"), -1, "generation.prices.tokens_in: must be a number from 0 to 1e+06"),
        (
            ("generation", "embeddings", 0, "dimensions"),
            1,
            "generation.embeddings[0].dimensions: must be 2 to 8192, got 1",
        ),
        (("features",), {"numeric": ["dollars_"]}, "features: must not name what generation computes, got 'dollars_'"),
    ],
)
def test_a_fault_names_the_key_what_is_allowed_and_what_was_given(path: Path, value: object, fault: str) -> None:
    told_of = faults(support.changed(SAMPLE, ("models", 0, *path), value))
    assert any(one.startswith(f"models[0].{fault}") for one in told_of), told_of


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        ([], "must be a mapping"),
        ({"pattern": "a"}, "must be a JSON Schema of type, enum, const, properties, required, additionalProperties"),
        ({"type": "text"}, "type: must be one of object, array"),
        ({"enum": "a"}, "enum: must be a list"),
        ({"enum": [1.5]}, "enum, const: must be printable texts, whole numbers or booleans, got 1.5"),
        ({"const": "\n"}, "enum, const: must be printable texts"),
        ({"properties": ["a"]}, "properties: must be a mapping"),
        ({"properties": {"a b": {}}}, "properties: must be names of letters, digits and underscores"),
        ({"required": ["a.b"]}, "required: must be names of letters"),
        ({"additionalProperties": {}}, "additionalProperties: must be true or false"),
        ({"items": {"type": 3}}, "type: must be one of object"),
        (
            {"items": {"items": {"items": {"items": {"items": {"items": {"items": {}}}}}}}},
            "must be a mapping, at most 6",
        ),
    ],
    ids=str,
)
def test_a_schema_that_cannot_be_checked_in_the_warehouse_is_refused(schema: object, fault: str) -> None:
    [found] = faults(changed("generation", "json_schema", to=schema))
    assert found.startswith(f"models[0].generation.json_schema: {fault}")


def test_a_model_of_another_task_needs_a_score_and_features() -> None:
    raw = {"version": 1, "jobs": {}, "models": [BARE]}
    assert faults(raw) == ["models[0].score: must be given, got None", "models[0].features: must be given, got None"]


@given(JUNK)
def test_whatever_the_log_is_there_is_an_answer(junk: object) -> None:
    assert told(changed("generation", to=junk))
    assert told(changed("generation", "json_schema", to=junk))
