"""Alert intake: foreign alerts become findings."""
