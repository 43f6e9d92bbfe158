"""What people of ours do: answer, change, open, ask, and let others in; by the API and by mail."""
