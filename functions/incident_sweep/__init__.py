"""The function that looks after incidents when nothing comes in: time passes, and people do not answer."""
