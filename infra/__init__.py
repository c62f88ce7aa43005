"""What deploys the functions: the tables, the rules, the cloud and the one-machine deployment."""
