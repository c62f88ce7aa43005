"""Promotion of challengers: compared with the champion, promoted in steps, or rolled back."""
