//! The command line: see `tidings --help`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use tidings::cli::CommandLine;

// Fan-out allocates and frees many small buffers; jemalloc uses a third less
// CPU for that.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    CommandLine::parse().run()
}
