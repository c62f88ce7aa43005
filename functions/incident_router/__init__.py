"""Incident router: folds findings into incidents and notifies people."""
