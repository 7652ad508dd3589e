//! Nothing: this package only says which sources are fetched.
