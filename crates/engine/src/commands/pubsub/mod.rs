//! Publish and subscribe. Who hears what is kept in [`crate::pubsub`].

pub mod publish;
#[allow(clippy::module_inception, reason = "the file bears the command's name")]
pub mod pubsub;
pub mod subscribe;
pub mod unsubscribe;
