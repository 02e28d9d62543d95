"""Tokens and charges as the desk knows them: mirrors of the vault's and the gateways' word."""
