"""The history of the local system: computed from recorded rows by the functions' own code, and loaded in bulk."""
