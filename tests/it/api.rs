//! Over REST.

mod tour;
