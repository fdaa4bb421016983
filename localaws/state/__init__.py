"""The state that survives a restart: see docs/adr/0020-state-in-sqlite.md."""
