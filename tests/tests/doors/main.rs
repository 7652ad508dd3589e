//! The doors from end to end: the built programs, a real window and a real browser, on real servers.
//!
//! One program for all of them: each that is linked costs as much as all of these together.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed, its helpers too")]

mod acts;
mod acts_faults;
mod acts_groups;
mod acts_images;
mod acts_kserve;
mod acts_kserve_back;
mod acts_kserve_beside;
mod acts_members;
mod acts_registry;
mod acts_rollback;
mod acts_rollouts;
mod acts_routes;
mod acts_story;
mod acts_terminal;
mod alerts;
mod alerts_inside;
mod bench;
mod bench_answers;
mod bench_cluster;
mod bench_compare;
mod bench_desk;
mod bench_local;
mod bench_log;
mod bench_oip;
mod bench_search;
mod bench_targets;
mod bench_workers;
mod browser;
mod browser_artifacts;
mod browser_bench;
mod browser_clusters;
mod browser_inspect;
mod browser_lineage;
mod browser_map;
mod browser_models;
mod browser_room;
mod browser_shell;
mod browser_wall;
mod hostile;
mod hostile_cluster;
mod rewind;
mod rewind_before;
mod rewind_compare;
mod rewind_record;
mod rewind_units;
mod rewind_units_delivery;
mod rollback_support;
mod telemetry;
mod telemetry_inside;
mod telemetry_pages;
mod telemetry_site;
mod window;
mod window_acts;
mod window_again;
mod window_bench;
mod window_connections;
mod window_delivery;
mod window_guards;
mod window_models;
mod window_notices;
mod window_story;
mod window_wall;
