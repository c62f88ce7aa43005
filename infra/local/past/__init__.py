"""The past, computed from the rows by the functions' own code, without the warehouse."""
