"""The HTTP side: what helpdesks read, and whether we are well."""
