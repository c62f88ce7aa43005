"""The sections of reports: a module a section."""
