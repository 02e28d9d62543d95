"""Card data as types that show nothing: keys, digit entries, card numbers, security codes. Opened by `warrant` alone."""
