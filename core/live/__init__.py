"""Live changes: which documents changed is told to whoever watches, who reads them again; the data itself is not sent."""
