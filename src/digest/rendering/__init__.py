"""Templates, inliner and text part: typed contexts in, finished mail and pages out. No storage."""
