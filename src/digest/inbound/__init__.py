"""The door for mail that comes in: the catcher."""
