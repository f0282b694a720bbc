//! What can be wrong with a change of configuration, in the words that clients get (red: these
//! texts are frozen). The reply adds `ERR ` in front, but for [`ConfigError::Loading`].

use std::fmt;

use super::kind::Reason;

/// Why a setting was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// There is no parameter of this name.
    UnknownOption {
        /// The name as it was given.
        name: String,
    },
    /// The value was refused, or could not be applied.
    Failed {
        /// The parameter.
        name: String,
        /// Why.
        reason: Reason,
    },
    /// Data is being loaded; the reply is the one that every command gets then.
    Loading,
}

impl ConfigError {
    /// A refusal of `name` for `reason`.
    pub fn failed(name: impl Into<String>, reason: impl Into<Reason>) -> Self {
        Self::Failed { name: name.into(), reason: reason.into() }
    }

    /// Why, without the frame that `CONFIG SET` puts around it.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::UnknownOption { .. } => "Bad directive or wrong number of arguments",
            Self::Failed { reason, .. } => reason,
            Self::Loading => "Redis is loading the dataset in memory",
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownOption { name } => {
                write!(f, "Unknown option or number of arguments for CONFIG SET - '{name}'")
            }
            Self::Failed { name, reason } => {
                write!(f, "CONFIG SET failed (possibly related to argument '{name}') - {reason}")
            }
            Self::Loading => f.write_str(self.reason()),
        }
    }
}

impl std::error::Error for ConfigError {}
