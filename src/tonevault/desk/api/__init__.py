"""The merchant API over HTTP: one application put together from the routes of every domain."""
