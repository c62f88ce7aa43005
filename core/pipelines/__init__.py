"""Pipelines: from what is told of their runs to stages, bottlenecks, health and what is worth telling."""
