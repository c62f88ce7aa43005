"""Metrics of incidents, notifications and automated actions."""

from core.metrics.metric import Histogram, counter, gauge

HISTOGRAMS = (
    Histogram(
        name="aia_notification_seconds",
        labels=("channel", "severity"),
        unit="s",
        bounds=(1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0),
        help="Time from the publishing of a finding until the channel accepted its notification; infinite if it refused, or it was dropped.",
    ),
)
METRICS = (
    *(metric for histogram in HISTOGRAMS for metric in histogram.metrics),
    gauge("aia_incidents_open", "severity", "1", "Unresolved incidents."),
    gauge(
        "aia_incidents_unacknowledged",
        "severity",
        "1",
        "Unresolved incidents that are not acknowledged.",
    ),
    gauge(
        "aia_incident_waiting_seconds",
        "severity",
        "s",
        "Longest time that an open incident has been unacknowledged; 0 if there is none.",
    ),
    gauge(
        "aia_incidents_impact_dollars_per_hour",
        "",
        "1",
        "Revenue at risk from unresolved incidents, in dollars per hour.",
    ),
    gauge(
        "aia_incidents_impact_unknown", "", "1", "Unresolved, unmitigated incidents whose revenue at risk is not known."
    ),
    gauge(
        "aia_incident_mtta_seconds",
        "severity",
        "s",
        "Mean time to acknowledge (MTTA) over seven days.",
    ),
    gauge(
        "aia_incident_mttr_seconds",
        "severity",
        "s",
        "Mean time to resolve (MTTR) over seven days.",
    ),
    gauge(
        "aia_incident_mttr_by_ending_seconds",
        "ended_by",
        "s",
        "Mean time to resolve (MTTR) over seven days, by what ended the incident: action, people, itself or unknown.",
    ),
    gauge("aia_incidents_ended", "ended_by", "1", "Incidents resolved within seven days, by what ended them."),
    counter("aia_actions_total", "action outcome", "Decisions about automated actions, by outcome."),
    gauge(
        "aia_action_results",
        "action result",
        "1",
        "Automated actions applied within 90 days, by result: helped, did_not_help, made_worse or not_known.",
    ),
    gauge(
        "aia_action_recovery_seconds",
        "action",
        "s",
        "Time from the application of an action to the recovery, where it helped, median over 90 days.",
    ),
    gauge(
        "aia_action_saved_seconds",
        "action bound",
        "s",
        "Time that incidents with the action were shorter than like ones without any, over 90 days: low, middle or high of the "
        "90% interval. Observational; absent below 10 incidents on either side.",
    ),
    gauge(
        "aia_action_compared_incidents",
        "action side",
        "1",
        "Incidents that this compares: with the action, and like ones without any.",
    ),
    gauge("aia_actions_waiting", "", "1", "Automated actions awaiting approval."),
    gauge(
        "aia_notifications_waiting",
        "channel",
        "1",
        "Incident groups with pending notifications, by channel; at least: where more groups are due than one sweep takes, of "
        "those that it took.",
    ),
    counter("aia_incident_changes_total", "change", "Changes of incidents by kind."),
    counter(
        "aia_notifications_total",
        "channel outcome",
        "Notifications by channel and outcome.",
    ),
)
