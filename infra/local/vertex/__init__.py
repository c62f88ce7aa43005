"""Vertex AI's PipelineService on one machine: it runs the packaged pipelines themselves, with KFP's local runner.

It answers as documented to jobs that are created, read, listed and cancelled, keeps them in the data folder, and publishes the log
entries that a log sink publishes on Google Cloud.
"""
