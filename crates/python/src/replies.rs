//! Replies as Python objects, in the shapes of redis-py's parsers.
//!
//! Called with the GIL and without any lock: making objects may run code of anybody.

use crate::errors::ConnectionError;
use larder::session::replies::{Item, Replies};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyInt, PyList, PySet, PyString};

/// How a client's bytes become what it wants.
pub(crate) struct Decoding {
    /// `None`: strings stay bytes.
    text: Option<Text>,
    /// Makes an exception of an error's text.
    error: Py<PyAny>,
    /// Sets become sets, where what they hold can be in one; lists otherwise.
    has_sets: bool,
}

struct Text {
    encoding: String,
    errors: String,
    is_utf8: bool,
}

/// An aggregate that is not whole.
struct Open<'py> {
    shape: Shape,
    missing: usize,
    items: Vec<Bound<'py, PyAny>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Shape {
    List,
    Set,
    Dict,
    /// Facts about the next value, which redis-py has no place for.
    Dropped,
}

impl Decoding {
    pub(crate) fn new(error: Py<PyAny>, text: Option<(String, String)>, has_sets: bool) -> Self {
        let text = text.map(|(encoding, errors)| Text {
            is_utf8: ["utf-8", "utf8"].iter().any(|name| encoding.eq_ignore_ascii_case(name)),
            encoding,
            errors,
        });
        Decoding { text, error, has_sets }
    }

    /// The next reply; `raw` keeps strings as bytes.
    ///
    /// # Errors
    /// An error reply as its exception, or what decoding raises: the reply is not read then.
    pub(crate) fn next<'py>(
        &self,
        py: Python<'py>,
        replies: &mut Replies,
        raw: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let begin = replies.position();
        match self.build(py, replies, raw) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(PyErr::from_value(error)),
            Err(error) => {
                replies.rewind(begin);
                Err(error)
            }
        }
    }

    /// A value, or an error reply that stands alone.
    #[allow(clippy::type_complexity, reason = "a reply, an error reply, or none of both")]
    fn build<'py>(
        &self,
        py: Python<'py>,
        replies: &mut Replies,
        raw: bool,
    ) -> PyResult<Result<Bound<'py, PyAny>, Bound<'py, PyAny>>> {
        let mut open: Vec<Open<'py>> = Vec::new();
        loop {
            let Some(item) = replies.next_item() else { return Ok(Ok(py.None().into_bound(py))) };
            let mut value = match item {
                Item::Array(len) | Item::Push(len) if len > 0 => {
                    open.push(Open::new(Shape::List, len));
                    continue;
                }
                Item::Set(len) if len > 0 || self.has_sets => {
                    let shape = if self.has_sets { Shape::Set } else { Shape::List };
                    if len == 0 {
                        PySet::empty(py)?.into_any()
                    } else {
                        open.push(Open::new(shape, len));
                        continue;
                    }
                }
                Item::Map(pairs) if pairs > 0 => {
                    open.push(Open::new(Shape::Dict, 2 * pairs));
                    continue;
                }
                Item::Attribute(pairs) => {
                    if pairs > 0 {
                        open.push(Open::new(Shape::Dropped, 2 * pairs));
                    }
                    continue;
                }
                Item::Error(text) if open.is_empty() => {
                    return Ok(Err(self.error(py, text)?));
                }
                item => self.leaf(py, item, raw)?,
            };
            // Closes what this was the last item of.
            loop {
                let Some(last) = open.last_mut() else { return Ok(Ok(value)) };
                last.items.push(value);
                last.missing -= 1;
                if last.missing > 0 {
                    break;
                }
                let Some(full) = open.pop() else { break };
                if full.shape == Shape::Dropped {
                    break;
                }
                value = full.into_object(py)?;
            }
        }
    }

    #[inline]
    fn leaf<'py>(&self, py: Python<'py>, item: Item<'_>, raw: bool) -> PyResult<Bound<'py, PyAny>> {
        match item {
            Item::Simple(text) | Item::Bulk(text) | Item::Verbatim(text) => {
                self.string(py, text, raw)
            }
            Item::Int(value) => value.into_bound_py_any(py),
            Item::Null => Ok(py.None().into_bound(py)),
            Item::Error(text) => {
                let error = self.error(py, text)?;
                // Those that end a connection (LOADING) are raised wherever they stand.
                match error.is_instance_of::<ConnectionError>() {
                    true => Err(PyErr::from_value(error)),
                    false => Ok(error),
                }
            }
            Item::Double(value) => value.into_bound_py_any(py),
            Item::Boolean(value) => value.into_bound_py_any(py),
            Item::BigNumber(digits) => {
                py.get_type::<PyInt>().call1((String::from_utf8_lossy(digits),))
            }
            Item::Map(_) => Ok(PyDict::new(py).into_any()),
            Item::Array(_) | Item::Set(_) | Item::Push(_) | Item::Attribute(_) => {
                Ok(PyList::empty(py).into_any())
            }
        }
    }

    #[inline]
    fn string<'py>(&self, py: Python<'py>, bytes: &[u8], raw: bool) -> PyResult<Bound<'py, PyAny>> {
        match &self.text {
            Some(text) if !raw => {
                if text.is_utf8
                    && let Ok(plain) = std::str::from_utf8(bytes)
                {
                    return Ok(PyString::new(py, plain).into_any());
                }
                PyBytes::new(py, bytes).call_method1("decode", (&text.encoding, &text.errors))
            }
            _ => Ok(PyBytes::new(py, bytes).into_any()),
        }
    }

    #[cold]
    fn error<'py>(&self, py: Python<'py>, text: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        self.error.bind(py).call1((String::from_utf8_lossy(text),))
    }
}

impl<'py> Open<'py> {
    fn new(shape: Shape, missing: usize) -> Self {
        Open { shape, missing, items: Vec::with_capacity(missing.min(1024)) }
    }

    fn into_object(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if self.shape == Shape::Set
            && let Ok(set) = PySet::new(py, &self.items)
        {
            return Ok(set.into_any());
        }
        if self.shape != Shape::Dict {
            return Ok(PyList::new(py, self.items)?.into_any());
        }
        let dict = PyDict::new(py);
        let mut items = self.items.into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            dict.set_item(key, value)?;
        }
        Ok(dict.into_any())
    }
}
