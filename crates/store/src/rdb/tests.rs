//! Snapshot files: what is written comes back, and nothing else does.

use super::*;
