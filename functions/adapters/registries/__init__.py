"""Registries of model versions: the warehouse, MLflow, Vertex AI."""
