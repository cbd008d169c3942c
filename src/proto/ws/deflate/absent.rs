//! What stands for compression where the feature `deflate` is left out. Nothing is ever agreed on then, so that none of
//! this is asked for.

use super::WindowBits;
use crate::proto::ws::Error;

/// Inflates nothing.
#[derive(Debug, Default)]
pub struct Inflater {}

impl Inflater {
    /// Nothing that anybody could have sent.
    pub fn inflate(
        &mut self,
        _keeps_context: bool,
        _deflated: &[u8],
        _take: impl FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        Err(Error::NotDeflate)
    }

    /// None.
    pub fn heap_bytes(&self) -> usize {
        0
    }
}

/// Deflates nothing.
#[derive(Debug, Default)]
pub struct Deflaters {}

impl Deflaters {
    /// All goes as it is.
    pub fn deflate(&mut self, _window: WindowBits, _payload: &[u8]) -> Option<&[u8]> {
        None
    }

    /// Nor that.
    pub fn last(&self) -> Option<&[u8]> {
        None
    }
}
