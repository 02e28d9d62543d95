"""Who may do what: users and roles, passwords, log-ins, API keys, and the audit log of what they did."""
