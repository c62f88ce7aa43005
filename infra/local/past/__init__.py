"""The past of the stack on one machine: computed from rows by the functions' own code, and loaded in bulk."""
