"""Everything that touches the outside: the only place that imports Google clients, sockets and files."""
