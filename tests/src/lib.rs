//! Real servers as child processes, for the tests of the doors.
