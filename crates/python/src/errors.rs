//! Python's exceptions. They are defined in `larder_redis/exceptions.py`, as redis-py's family.

use pyo3::PyErr;

pyo3::import_exception!(larder_redis.exceptions, LarderError);
pyo3::import_exception!(larder_redis.exceptions, ForkError);
pyo3::import_exception!(larder_redis.exceptions, UrlError);
pyo3::import_exception!(larder_redis.exceptions, NotSupportedError);
pyo3::import_exception!(redis.exceptions, ConnectionError);
pyo3::import_exception!(redis.exceptions, DataError);
pyo3::import_exception!(redis.exceptions, ResponseError);

/// What redis-py says when a server hangs up.
pub(crate) fn closed() -> PyErr {
    ConnectionError::new_err("Connection closed by server.")
}

/// A failure of the store as an exception.
pub(crate) fn of(error: &larder::Error) -> PyErr {
    match error {
        larder::Error::Refused(text) => ResponseError::new_err(text.clone()),
        larder::Error::Url(error) => UrlError::new_err(error.to_string()),
        other => LarderError::new_err(other.to_string()),
    }
}
