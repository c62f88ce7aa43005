"""Weekly reports of the stakeholders: which sections there are, what each says, and the document of all of them."""
