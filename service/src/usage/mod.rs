//! The ledger of everything that costs money per use.

pub mod llm_usage_log;
