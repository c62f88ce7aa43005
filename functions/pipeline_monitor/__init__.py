"""The function that follows the runs of pipelines: what Vertex AI logs of them, and what any other runner tells."""
