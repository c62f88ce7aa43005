"""The inbox: a webhook receiver with a page, where the messages to people can be read on one machine."""
