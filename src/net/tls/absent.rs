//! What stands for TLS in a build without it: types of which there is no value, so that what deals with them need not know.

use crate::net::transport::{Received, Transport};
use crate::time::Millis;
use std::io::{self, IoSlice};

/// See `session.rs`.
#[derive(Debug, Default)]
pub struct Scratch(());

/// See `session.rs`.
#[derive(Debug)]
pub enum Encrypted {}

/// See `identity.rs`.
#[derive(Clone, Debug)]
pub enum ServerEnd {}

/// What it would take to dial under TLS: nothing does.
#[derive(Clone, Debug)]
pub enum ClientEnd {}

impl ServerEnd {
    pub fn accept(&self, _: Transport) -> Transport {
        match *self {}
    }
}

impl ClientEnd {
    pub(in crate::net) fn dial(&self, _: Transport) -> Transport {
        match *self {}
    }
}

impl Encrypted {
    pub fn under(&self) -> &Transport {
        match *self {}
    }

    pub fn under_mut(&mut self) -> &mut Transport {
        match *self {}
    }

    pub fn shakes_until(&mut self) -> &mut Millis {
        match *self {}
    }

    pub fn is_shaking(&self) -> bool {
        match *self {}
    }

    pub fn has_begun(&self) -> bool {
        match *self {}
    }

    pub fn is_plain(&self) -> bool {
        match *self {}
    }

    pub fn has_resumed(&self) -> bool {
        match *self {}
    }

    pub fn read(&mut self, _: &mut [u8], _: &mut Scratch) -> io::Result<Received> {
        match *self {}
    }

    pub fn write(&mut self, _: &[IoSlice<'_>], _: &mut Scratch) -> io::Result<usize> {
        match *self {}
    }

    pub fn flush(&mut self) -> io::Result<bool> {
        match *self {}
    }

    pub fn shutdown_write(&mut self) -> io::Result<()> {
        match *self {}
    }

    pub fn refuse(&mut self) -> io::Result<usize> {
        match *self {}
    }
}
