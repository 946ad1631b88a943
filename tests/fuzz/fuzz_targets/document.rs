//! Document validation: any document is accepted or rejected within 5 seconds.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let schema = api::product_server::published_schema();
    let request = async_graphql::Request::new(text);
    let begun = std::time::Instant::now();
    match server::document::prepare(&schema, request, &server::document::Limits::default(), None)
        .and_then(server::document::Unvalidated::validate)
    {
        Ok(prepared) => assert!(prepared.cost <= server::document::Limits::default().max_cost),
        Err(refusal) => assert!(!refusal.errors.is_empty()),
    }
    assert!(begun.elapsed().as_secs() < 5, "validation took {:?}", begun.elapsed());
});
