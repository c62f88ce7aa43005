"""The function that folds findings into incidents and notifies people."""
