"""SIP (RFC 3261 and its usual extensions) as pure logic: messages, transactions, dialogs, digest. It owns no socket and no clock."""
