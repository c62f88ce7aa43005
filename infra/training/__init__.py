"""The pipelines that train models: components, the template that Vertex AI runs, and how it is packaged."""
