"""The edge where foreign alerts become findings."""
