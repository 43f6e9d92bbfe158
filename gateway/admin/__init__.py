"""How alarms reach a person: by mail through the outbox, and by a webhook where mail fails."""
