"""Every verb that a person types; each thin, each with `-o json` where it shows something."""
