"""Pipelines: from reported runs to stages, bottlenecks, health scores and findings."""
