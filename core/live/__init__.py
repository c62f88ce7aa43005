"""Live changes: clients receive which documents changed, and read them again; the data itself is not sent."""
