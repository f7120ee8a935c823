"""The stand-in's console: a page that shows each exchange as it happens, with every check that was made."""
