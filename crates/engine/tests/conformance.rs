//! The contract of a connector, case by case, over the whole table of connectors. Time is paused.

use pilothouse_connect::conformance::{
    a_closed_sink_ends_it, a_cut_page_is_no_half_world, a_missing_field_is_named, a_refusal_is_no_storm,
    a_server_that_fails_is_given_time, each, no_secret_is_said, patience_is_given, the_test_makes_the_calls,
};
use pilothouse_engine::STANDS;

type Outcome = Result<(), String>;

#[tokio::test(start_paused = true)]
async fn a_required_field_that_is_missing_is_named() -> Outcome {
    each(STANDS, a_missing_field_is_named).await
}

#[tokio::test(start_paused = true)]
async fn a_refused_credential_is_told_and_is_no_storm() -> Outcome {
    each(STANDS, a_refusal_is_no_storm).await
}

#[tokio::test(start_paused = true)]
async fn a_server_that_fails_is_called_less_and_less_and_heals() -> Outcome {
    each(STANDS, a_server_that_fails_is_given_time).await
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_for_patience_gets_it() -> Outcome {
    each(STANDS, patience_is_given).await
}

#[tokio::test(start_paused = true)]
async fn a_page_that_is_cut_is_no_half_world() -> Outcome {
    each(STANDS, a_cut_page_is_no_half_world).await
}

#[tokio::test(start_paused = true)]
async fn it_ends_once_nobody_listens() -> Outcome {
    each(STANDS, a_closed_sink_ends_it).await
}

#[tokio::test(start_paused = true)]
async fn the_test_of_a_connection_makes_the_calls_of_the_watch() -> Outcome {
    each(STANDS, the_test_makes_the_calls).await
}

#[tokio::test(start_paused = true)]
async fn no_credential_is_told_answered_or_logged() -> Outcome {
    each(STANDS, no_secret_is_said).await
}
