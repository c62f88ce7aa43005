"""Pipeline monitor: runs of Vertex AI and of any runner that reports them."""
