"""The FAQ folder: which of our own pages may answer a question before a person does."""
