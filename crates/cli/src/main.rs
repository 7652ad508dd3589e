//! The terminal door: every ask and every act, as the program `pilothouse`.

mod args;
mod columns;
mod connect;
mod connect_args;
mod doctor;
mod exit;
mod fleet;
mod json;
mod list;
mod manual;
mod out;
mod problems;
mod prompt;
mod rows;
mod run;
mod serve;
mod start;
mod table;
mod watch;

fn main() -> std::process::ExitCode {
    run::main()
}
