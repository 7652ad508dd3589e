//! connect-demo
