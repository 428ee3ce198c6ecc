//! How values look on pages: times, avatars and devices.

pub(super) mod avatars;
pub(super) mod devices;
pub(super) mod times;
