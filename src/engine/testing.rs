//! What tests and benches use of the engine's inside.

pub use super::fault_hooks::{DatabaseTimeHook, FaultHooks};
pub use super::room::bench_room::BenchRoom;
