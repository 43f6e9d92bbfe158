"""Who is one person: customers joined and taken apart, on evidence, and back again."""
