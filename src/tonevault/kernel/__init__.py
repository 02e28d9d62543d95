"""Words that every room shares: ids, money, cards as they may be shown, time. Pure; imports no other room."""
