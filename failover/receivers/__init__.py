"""The way to those who are called: the receivers' file, secrets, HTTP."""
