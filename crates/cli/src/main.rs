//! The terminal door: every ask and every act, as the program `pilothouse`.

mod act;
mod act_args;
mod args;
mod artifacts;
mod audit;
mod bench;
mod bench_args;
mod can;
mod columns;
mod compared;
mod connect;
mod connect_args;
mod csv;
mod describe;
mod diff;
mod doctor;
mod exit;
mod far;
mod fleet;
mod get;
mod journal;
mod journal_args;
mod json;
mod kinds;
mod list;
mod logs;
mod manual;
mod model_args;
mod models;
mod named;
mod out;
mod page;
mod past;
mod picture;
mod preflight;
mod preflight_args;
mod problems;
mod prompt;
mod record;
mod rollback;
mod rollback_args;
mod rollout;
mod rollout_args;
mod room;
mod rows;
mod run;
mod runs;
mod serve;
mod serve_args;
mod sort;
mod start;
mod table;
mod watch;

/// A listing is a hundred thousand small pieces, made on one thread and read on another: the C library's allocator asks
/// the kernel thousands of times meanwhile.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    run::main()
}
