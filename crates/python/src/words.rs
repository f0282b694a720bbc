//! A command's arguments as words, without a copy of what lies in bytes or text already.
//!
//! What redis-py's encoder makes of a type is law; the types that nearly all arguments have are
//! done here, the rest is asked of that encoder.

use crate::errors::DataError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyFloat, PyInt, PyString, PyTuple};
use smallvec::SmallVec;
use std::ops::Range;

/// Slices of a command's words.
pub(crate) type Slices<'w> = SmallVec<[&'w [u8]; 8]>;

/// How a client's text becomes bytes.
pub(crate) struct Encoding {
    /// `redis.Encoder.encode`, for what is not done here.
    encode: Py<PyAny>,
    /// Text is encoded as UTF-8 and has to be valid.
    is_plain: bool,
}

/// The words of one command.
#[derive(Default)]
pub(crate) struct Words<'py> {
    words: SmallVec<[Word<'py>; 8]>,
    /// Words that are made here, one after the other.
    made: Vec<u8>,
}

enum Word<'py> {
    Bytes(Bound<'py, PyBytes>),
    Text(Bound<'py, PyString>),
    /// A part of a text.
    Part(Bound<'py, PyString>, Range<usize>),
    Made(Range<usize>),
}

impl Encoding {
    pub(crate) fn new(encode: Py<PyAny>, encoding: &str, errors: &str) -> Self {
        let plain_name = ["utf-8", "utf8"].iter().any(|name| encoding.eq_ignore_ascii_case(name));
        Encoding { encode, is_plain: plain_name && errors == "strict" }
    }

    /// The words of a command. A command's name may hold several, as in `CONFIG GET`.
    ///
    /// # Errors
    /// What the encoder raises.
    pub(crate) fn words<'py>(&self, arguments: &Bound<'py, PyTuple>) -> PyResult<Words<'py>> {
        let py = arguments.py();
        let mut words = Words::default();
        let mut arguments = arguments.iter();
        match arguments.next() {
            Some(name) => self.name(py, &mut words, name)?,
            None => return Err(DataError::new_err("a command has a name")),
        }
        for argument in arguments {
            self.word(py, &mut words, argument)?;
        }
        Ok(words)
    }

    fn name<'py>(
        &self,
        py: Python<'py>,
        words: &mut Words<'py>,
        name: Bound<'py, PyAny>,
    ) -> PyResult<()> {
        let Ok(text) = name.cast::<PyString>() else {
            let before = words.words.len();
            self.word(py, words, name)?;
            words.split_from(before);
            return Ok(());
        };
        let plain = text.to_str()?;
        if !plain.contains(|letter: char| letter.is_ascii_whitespace()) {
            words.words.push(Word::Text(text.clone()));
            return Ok(());
        }
        for part in plain.split_ascii_whitespace() {
            let start = part.as_ptr().addr() - plain.as_ptr().addr();
            words.words.push(Word::Part(text.clone(), start..start + part.len()));
        }
        Ok(())
    }

    #[inline]
    fn word<'py>(
        &self,
        py: Python<'py>,
        words: &mut Words<'py>,
        argument: Bound<'py, PyAny>,
    ) -> PyResult<()> {
        if self.is_plain && argument.is_exact_instance_of::<PyString>() {
            let text = argument.cast_into::<PyString>()?;
            text.to_str()?;
            words.words.push(Word::Text(text));
        } else if argument.is_exact_instance_of::<PyBytes>() {
            words.words.push(Word::Bytes(argument.cast_into::<PyBytes>()?));
        } else if argument.is_exact_instance_of::<PyInt>()
            && let Ok(value) = argument.extract::<i64>()
        {
            words.make(itoa::Buffer::new().format(value).as_bytes());
        } else if argument.is_exact_instance_of::<PyFloat>() {
            words.make(argument.repr()?.to_str()?.as_bytes());
        } else {
            self.encoded(py, words, &argument)?;
        }
        Ok(())
    }

    #[cold]
    fn encoded<'py>(
        &self,
        py: Python<'py>,
        words: &mut Words<'py>,
        argument: &Bound<'py, PyAny>,
    ) -> PyResult<()> {
        let encoded = self.encode.bind(py).call1((argument,))?;
        // Others may change an array or a view while the command runs: they are copied.
        let bytes = match encoded.cast_into_exact::<PyBytes>() {
            Ok(bytes) => bytes,
            Err(error) => {
                let bytes = py.get_type::<PyBytes>().call1((error.into_inner(),))?;
                bytes.cast_into::<PyBytes>()?
            }
        };
        words.words.push(Word::Bytes(bytes));
        Ok(())
    }
}

impl Words<'_> {
    /// The words, for as long as this lives.
    #[inline]
    pub(crate) fn slices(&self) -> Slices<'_> {
        self.words
            .iter()
            .map(|word| match word {
                Word::Bytes(bytes) => bytes.as_bytes(),
                Word::Text(text) => text.to_str().unwrap_or_default().as_bytes(),
                Word::Part(text, part) => {
                    &text.to_str().unwrap_or_default().as_bytes()[part.clone()]
                }
                Word::Made(range) => &self.made[range.clone()],
            })
            .collect()
    }

    fn make(&mut self, word: &[u8]) {
        let start = self.made.len();
        self.made.extend_from_slice(word);
        self.words.push(Word::Made(start..self.made.len()));
    }

    /// Splits the word at an index at its blanks.
    fn split_from(&mut self, index: usize) {
        let name = self.slices()[index].to_vec();
        if name.iter().any(u8::is_ascii_whitespace) {
            self.words.truncate(index);
            let parts = name.split(u8::is_ascii_whitespace).filter(|part| !part.is_empty());
            parts.for_each(|part| self.make(part));
        }
    }
}
