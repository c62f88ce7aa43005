"""Incidents, what people were told, and what was done by itself."""

from core.metrics.metric import counter, gauge

METRICS = (
    gauge("aia_incidents_open", "severity", "1", "Incidents that are not resolved."),
    gauge(
        "aia_incidents_unacknowledged",
        "severity",
        "1",
        "Incidents that are not resolved and that nobody has acknowledged.",
    ),
    gauge(
        "aia_incident_waiting_seconds",
        "severity",
        "s",
        "How long the incident that nobody has acknowledged for longest has waited; 0 where none waits.",
    ),
    gauge(
        "aia_incidents_impact_dollars_per_hour",
        "",
        "1",
        "What the incidents that are not resolved put at risk, in dollars an hour.",
    ),
    gauge(
        "aia_incident_mtta_seconds",
        "severity",
        "s",
        "The mean time to acknowledge, over the incidents of seven days.",
    ),
    gauge(
        "aia_incident_mttr_seconds",
        "severity",
        "s",
        "The mean time to resolve, over the incidents of seven days.",
    ),
    counter("aia_actions_total", "action outcome", "Decisions about automated responses, by what was decided."),
    gauge("aia_actions_waiting", "", "1", "Automated responses that wait for a person's approval."),
    gauge("aia_notifications_waiting", "channel", "1", "Messages that wait for the channel to take them."),
    counter("aia_incident_changes_total", "change", "Steps in the life of incidents, by what happened."),
    counter(
        "aia_notifications_total",
        "channel outcome",
        "Notifications sent to people, by channel and outcome.",
    ),
)
