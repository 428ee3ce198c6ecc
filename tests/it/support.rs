//! Helpers of all tests: [`TestApp`] is a server, [`TestUser`] a user with an
//! account on it, [`TestSocket`] one of the user's open sockets.

mod api_response;
mod app;
mod binary;
pub(crate) mod browser;
mod database;
mod database_proxy;
mod faulty_disk;
mod latency_proxy;
pub(crate) mod raw_frames;
pub(crate) mod redact;
mod reverse_proxy;
mod socket;
mod syscall_filter;
mod test_user;
mod wait;

pub(crate) use api_response::ApiResponse;
pub(crate) use app::{TestApp, TestSite};
pub(crate) use binary::{BinaryServer, TestBinary, run_to_end, warnings};
pub(crate) use database::TestDatabase;
pub(crate) use database_proxy::DatabaseProxy;
pub(crate) use faulty_disk::{DiskFault, FaultyDisk};
pub(crate) use latency_proxy::{ClosingSide, LatencyProxy};
pub(crate) use reverse_proxy::{ReverseProxy, RunningProxy};
pub(crate) use socket::{TestSocket, TokenTransport};
pub(crate) use syscall_filter::SyscallFilter;
pub(crate) use test_user::{PASSWORD, TestUser};
pub(crate) use wait::{until, within};
