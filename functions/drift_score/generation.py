"""A generative model in a window: its measures, and what is written and concluded of them.

Shares and traffic come from the counts of the window, which hold every request; latency, cost and scores from its rows, or from
a sample of them where the window was counted in the warehouse.
"""

from core.detection import Verdict
from core.drift import Profile
from core.generative.judge import of_generation_change, of_generation_limits, of_personal_data
from core.generative.meter import GenerationMeter
from core.generative.pii import CLEAN
from core.generative.window import counted_shares, embedding_distances, traffic
from core.performance import Assessment, Estimate, compare_metrics
from core.performance.judge import limited, worse_metrics
from core.settings import Generation, Model
from core.settings.generation import PII
from functions.adapters.ports import Metrics
from functions.drift_score.baseline import Baseline
from functions.drift_score.compare import Current
from functions.drift_score.conditions import Kind
from functions.drift_score.window import Window

_GAUGES = {
    "first_token_p95": "aia_generation_first_token_seconds",
    "total_p95": "aia_generation_total_seconds",
    "error_ratio": "aia_generation_error_ratio",
    "refusal_ratio": "aia_generation_refusal_ratio",
    "truncated_ratio": "aia_generation_truncated_ratio",
    "empty_ratio": "aia_generation_empty_ratio",
    "invalid_format_ratio": "aia_generation_invalid_format_ratio",
    "pii_ratio": "aia_generation_pii_ratio",
    "empty_context_ratio": "aia_generation_empty_context_ratio",
}
"""The gauges of measures."""


def assessed(window: Window, baseline: Baseline, current: Current) -> Assessment:
    """Measure the requests of a window, and compare what the reference has as well.

    Raises:
        ProfileError: a column does not hold numbers.
    """
    log, profile, counts = _log(window.model), baseline.profile, current.counts
    found = counted_shares(profile, counts) | GenerationMeter(log=log).measure_values(current.columns)
    beside = {
        name: one for name, one in found.items() if baseline.performance and name in baseline.performance.measured
    }
    found |= embedding_distances(log, profile, counts)
    dollars = traffic(log, profile, counts, window.length).dollars
    if dollars is not None:
        found["dollars_per_hour"] = Estimate(dollars, dollars, dollars, counts.rows)
    bare = Assessment(found=found, rows=counts.rows, labels=counts.rows)
    if baseline.performance is None or not beside:
        return bare
    reference = baseline.performance
    compared = compare_metrics(reference.measured, beside, between=reference.between)
    return Assessment(
        found=found, reference=reference.measured, against_reference=compared, rows=counts.rows, labels=counts.rows
    )


def gauges(metrics: Metrics, window: Window, baseline: Baseline, current: Current, found: Assessment) -> None:
    """Set the gauges of what has a value."""
    model, at = window.model, window.end
    use = traffic(_log(model), baseline.profile, current.counts, window.length)
    metrics.gauge("aia_generation_requests_per_second", use.requests, at=at, model=model.name)
    for direction, tokens in (("in", use.tokens_in), ("out", use.tokens_out)):
        if tokens is not None:
            metrics.gauge("aia_generation_tokens_per_second", tokens, at=at, model=model.name, direction=direction)
    if use.dollars is not None:
        metrics.gauge("aia_generation_dollars_per_hour", use.dollars, at=at, model=model.name)
    for name, gauge in _GAUGES.items():
        if name in found.found and (value := found.found[name].value) is not None:
            metrics.gauge(gauge, value, at=at, model=model.name)
    if found.rows >= model.minimum_rows:
        metrics.gauge("aia_generation_worse_measures", len(worse(model, found)), at=at, model=model.name)


def worse(model: Model, found: Assessment) -> set[str]:
    """The measures that are beyond their limit, or significantly worse than in the reference."""
    changed = worse_metrics(
        found.against_reference, change=model.performance.change, certainty=model.performance.false_alarms
    )
    broken = {one.metric for one in limited(found.found, _log(model).limits) if one.is_broken}
    return {name for name, is_worse in changed.items() if is_worse} | broken


def verdicts(model: Model, found: Assessment, kinds: str = "") -> dict[Kind, Verdict]:
    """What is concluded, by condition.

    Args:
        model: whose requests were measured.
        found: its measures.
        kinds: of personal data that were found, in words.
    """
    log, minimum = _log(model), model.minimum_rows
    change, certainty = model.performance.change, model.performance.false_alarms
    beside = found.against_reference
    concluded = {
        Kind.GENERATION_DEGRADED: of_generation_change(
            model.name, beside, minimum=minimum, change=change, certainty=certainty
        )
    }
    if log.limits:
        concluded[Kind.GENERATION_BEYOND_LIMIT] = of_generation_limits(
            model.name, found.found, log.limits, minimum=minimum
        )
    if PII in log.flags:
        concluded[Kind.PII_IN_RESPONSES] = of_personal_data(
            model.name,
            found.found,
            beside,
            log.limits,
            kinds=kinds,
            minimum=minimum,
            change=change,
            certainty=certainty,
        )
    return concluded


def personal_data(current: Current, profile: Profile) -> str:
    """Which kinds of personal data responses of a window hold, and how many responses, in words; empty where there are none.

    Combinations that the reference does not have are counted together, as `other combinations`.
    """
    part = next((k for k, one in enumerate(profile.categorical) if one.name == PII), None)
    if part is None:
        return ""
    values, rows = profile.categorical[part].values, current.counts.categories[part].tolist()
    named = [(name, n) for name, n in zip(values, rows, strict=False) if name != CLEAN and n]
    if others := rows[-2]:
        new = ", ".join(current.counts.new.get(PII, ())) or "other combinations"
        named.append((new, others))
    return "; ".join(f"{name} in {n} responses" for name, n in named)


def _log(model: Model) -> Generation:
    return model.generation or Generation()
