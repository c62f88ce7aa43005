"""Where what is known of each resource is stored, for the function that writes it and the page that shows it."""

COLLECTION = "capacity"
