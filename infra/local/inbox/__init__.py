"""The inbox: a webhook receiver with a page, which shows the notifications of the local system."""
