"""Whole-system tests: the product met by phones, SIP agents and a browser that others wrote."""
