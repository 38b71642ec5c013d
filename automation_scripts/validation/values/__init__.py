"""What the text of one value says: small languages, words of keys, the forms of credentials."""
