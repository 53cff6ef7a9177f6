"""Turns what becomes of the components into notifications: one when something fails, one when it is well again."""
