//! Builds the real servers that the tests start, once for each content of `tests/servers`.
