"""Weekly reports: read, kept, shown and sent."""
