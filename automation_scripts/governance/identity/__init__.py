"""Who somebody is, and how it was proved: users, passwords, tokens, second factors, tickets, single sign-on."""
