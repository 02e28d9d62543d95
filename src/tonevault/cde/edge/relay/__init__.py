"""The media relay: calls' RTP carried, captured and masked by worker processes of the secure zone. It refuses strangers' packets."""
