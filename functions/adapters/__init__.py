"""Access to external systems: the only package that imports Google clients, sockets and files."""
