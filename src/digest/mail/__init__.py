"""Messages as bytes, and the ways out: headers, placeholders, SMTP, the journal, the mailbox folder."""
