"""The function that folds findings into incidents and tells people."""
