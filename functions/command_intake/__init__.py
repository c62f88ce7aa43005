"""Command intake: people answer from Slack, from PagerDuty and by links in mails."""
