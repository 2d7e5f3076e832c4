"""The pages, each file a subject. Every module here is imported when the desk is opened (`desk.wiring`)."""
