"""The desk: where editors and admins work. `table` says how a page is added, `docs/desk.md` shows it."""
