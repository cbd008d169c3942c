//! One end of a WebSocket connection, receiving: bytes in, events out. RFC 6455, sections 5 to 8.
//!
//! ```text
//!   bytes -+-- one frame, and all of it here --> event, borrowed from the input
//!          |
//!          '-> Partial ------ its last part ---> event, borrowed from the connection until the next call
//!
//!   Open -- Close frame, or a rule broken --> Ended: nothing is read any more
//! ```
//!
//! There are hundreds of thousands of these, nearly all of them between two messages. So all that is only
//! true in the middle of something - half a header, the key's phase, fragments, a cut control frame - is in
//! one box that exists only then, and what remains is sixteen bytes.
//!
//! Where it has been agreed that messages may be deflated (RFC 7692), what is inflated is gathered in the same box. The
//! inflater is the caller's, one for all its connections, unless the peer's messages point back into earlier ones.
//!
//! Sending needs no state: see [`encoder`](super::encoder).

use super::decoder::{Chunk, Decoder};
use super::deflate::{Inflater, Parameters};
use super::message::Gathered;
use super::{Error, Event, Header, Opcode, Role, mask};
use crate::proto::Input;

/// The receiving half of a connection: a state machine that does no I/O.
///
/// ```
/// use chinwag::proto::Input;
/// use chinwag::proto::ws::{Connection, Event, Role};
///
/// // RFC 6455, section 5.7: "Hello" in two fragments, as a client receives it.
/// let mut bytes = *b"\x01\x03Hel\x80\x02lo";
/// let mut ws = Connection::new(Role::Client, 1024);
/// let mut input = Input::new(&mut bytes);
/// while let Some(event) = ws.poll_event(&mut input)? {
///     assert_eq!(event, Event::Text("Hello"));
/// }
/// # Ok::<(), chinwag::proto::ws::Error>(())
/// ```
#[derive(Debug)]
pub struct Connection {
    partial: Option<Box<Partial>>,
    message_bytes_max: u32,
    role: Role,
    /// A Close frame has come, or a rule was broken.
    ended: bool,
    deflation: Deflation,
}

/// What the peer may do to its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deflation {
    /// Nothing.
    None,
    /// Deflate them, each on its own.
    Alone,
    /// Deflate them, with a view to those before.
    InContext,
}

/// What has arrived of something that is not whole.
#[derive(Debug)]
struct Partial {
    decoder: Decoder,
    message: Option<Gathered>,
    control: Option<Gathered>,
    /// What has become whole, and is lent to the caller until the next call.
    whole: Option<Gathered>,
    /// What remembers the messages before, where the peer points back into them.
    context: Option<Box<Inflater>>,
}

/// Where the next event lies.
enum Found<'b> {
    InInput(Event<'b>),
    InPartial,
}

impl Connection {
    /// A connection after its handshake.
    ///
    /// A message longer than `message_bytes_max` fails it, one of exactly that length does not. There is no
    /// limit of 4 GiB or more: it is one byte less then.
    pub fn new(role: Role, message_bytes_max: usize) -> Self {
        Self {
            partial: None,
            message_bytes_max: u32::try_from(message_bytes_max).unwrap_or(u32::MAX),
            role,
            ended: false,
            deflation: Deflation::None,
        }
    }

    /// The same, where this has been agreed on.
    pub fn deflated(mut self, agreed: &Parameters) -> Self {
        self.deflation = match agreed.peer_keeps_context(self.role) {
            true => Deflation::InContext,
            false => Deflation::Alone,
        };
        self
    }

    /// Whether it remembers what the peer has said before, which is a lot of memory.
    pub fn keeps_context(&self) -> bool {
        self.deflation == Deflation::InContext
    }

    /// Takes bytes off `input` until they say something. `None` when they are used up.
    ///
    /// What was whole before a fault is told before it, also where both were in one read. After an error, and
    /// after [`Event::Close`], there is nothing more to hear: all further input is thrown away.
    #[inline]
    pub fn poll_event<'e, 'b: 'e>(&'e mut self, input: &mut Input<'b>) -> Result<Option<Event<'e>>, Error> {
        self.poll(input, None)
    }

    /// The same, with the inflater that is shared by many connections. Without one, each message that is deflated would cost
    /// the making of one.
    #[inline]
    pub fn poll_event_with<'e, 'b: 'e>(
        &'e mut self,
        input: &mut Input<'b>,
        inflater: &mut Inflater,
    ) -> Result<Option<Event<'e>>, Error> {
        self.poll(input, Some(inflater))
    }

    fn poll<'e, 'b: 'e>(
        &'e mut self,
        input: &mut Input<'b>,
        inflater: Option<&mut Inflater>,
    ) -> Result<Option<Event<'e>>, Error> {
        // 7.1.7: once we have failed, no input is looked at again, not even a Close.
        // 5.5.1: and nothing comes after a Close.
        if self.ended {
            self.partial = None;
            input.take_all();
            return Ok(None);
        }
        let event = if let Some((opcode, payload)) = self.take_whole_message(input) {
            Event::of_frame(opcode, payload)
        } else {
            self.free_lent();
            match self.find(input, inflater) {
                Ok(None) => return Ok(None),
                Ok(Some(Found::InInput(event))) => Ok(event),
                Ok(Some(Found::InPartial)) => {
                    let whole = self.partial.as_ref().and_then(|partial| partial.whole.as_ref());
                    whole.expect("it was found there").event()
                }
                Err(error) => {
                    self.partial = None;
                    Err(error)
                }
            }
        };
        self.ended = matches!(event, Ok(Event::Close(_)) | Err(_));
        event.map(Some)
    }

    /// How many bytes of memory it holds beside itself. None between two messages.
    pub fn heap_bytes(&self) -> usize {
        self.partial.as_ref().map_or(0, |partial| partial.heap_bytes())
    }

    /// Takes a frame that is whole and a message of its own, or a control frame, while nothing is half done.
    ///
    /// Nearly every frame is of this kind. [`find`](Self::find) would find it too, in twice the time, as it
    /// is ready for everything. So whatever is out of the ordinary, faults included, is left to it, and left
    /// in the input.
    fn take_whole_message<'b>(&self, input: &mut Input<'b>) -> Option<(Opcode, &'b [u8])> {
        if self.partial.is_some() {
            return None;
        }
        let (header, header_len) = Header::parse(input.remaining(), self.role).ok()??;
        let payload_len = usize::try_from(header.payload_len).ok()?;
        let is_message = header.fin && header.opcode != Opcode::Continuation;
        let is_here = payload_len <= input.len() - header_len;
        if !is_message || !is_here || header.payload_len > u64::from(self.message_bytes_max) {
            return None;
        }
        input.take(header_len);
        let payload = input.take(payload_len);
        if let Some(key) = header.masking_key {
            mask::apply(payload, key);
        }
        Some((header.opcode, payload))
    }

    /// Frees the message that the last event was lent from, rather than at the next call, which may be long in coming.
    pub fn release(&mut self) {
        self.free_lent();
    }

    /// Frees what the caller has seen by now, and the box once there is nothing in it.
    fn free_lent(&mut self) {
        self.partial.take_if(|partial| {
            partial.whole = None;
            partial.is_empty()
        });
    }

    /// Takes chunks until one of them completes something.
    fn find<'b>(
        &mut self,
        input: &mut Input<'b>,
        mut inflater: Option<&mut Inflater>,
    ) -> Result<Option<Found<'b>>, Error> {
        let deflates = self.deflation != Deflation::None;
        let mut decoder = self.partial.as_ref().map_or_else(Decoder::new, |partial| partial.decoder);
        let found = loop {
            match decoder.poll_chunk(self.role, deflates, input)? {
                None => break None,
                Some(chunk) => {
                    if let Some(found) = self.take_chunk(chunk, inflater.as_deref_mut())? {
                        break Some(found);
                    }
                }
            }
        };
        match &mut self.partial {
            Some(partial) => partial.decoder = decoder,
            None if decoder.is_idle() => {}
            None => self.partial = Some(Box::new(Partial { decoder, ..Partial::new() })),
        }
        Ok(found)
    }

    /// Gives a chunk that is a whole message, or a whole control frame, as it is; gathers any other.
    fn take_chunk<'b>(
        &mut self,
        chunk: Chunk<'b>,
        inflater: Option<&mut Inflater>,
    ) -> Result<Option<Found<'b>>, Error> {
        let Header { fin, rsv1, opcode, .. } = chunk.header;
        if chunk.first {
            self.judge(&chunk.header)?;
        }
        let last = fin && chunk.remaining == 0;
        if chunk.first && last && opcode != Opcode::Continuation {
            if rsv1 {
                return self.take_deflated(opcode, chunk.payload, inflater).map(Some);
            }
            return Ok(Some(Found::InInput(Event::of_frame(opcode, chunk.payload)?)));
        }

        let message_bytes_max = self.message_bytes_max;
        let partial = self.partial.get_or_insert_with(|| Box::new(Partial::new()));
        let slot = if opcode.is_control() { &mut partial.control } else { &mut partial.message };
        let gathered = slot.get_or_insert_with(|| Gathered::begin_with(&chunk.header));
        // In its last frame, a message says how long it will have been.
        let len_max = if fin {
            let to_come = usize::try_from(chunk.remaining).unwrap_or(usize::MAX);
            (gathered.len() + chunk.payload.len()).saturating_add(to_come)
        } else {
            arriving_bytes_max(message_bytes_max, gathered.is_deflated())
        };
        gathered.push(chunk.payload, len_max)?;
        if !last {
            return Ok(None);
        }
        gathered.finish()?;
        match slot.take() {
            Some(Gathered::Deflated { opcode, bytes }) => {
                self.take_deflated(opcode, &bytes, inflater).map(Some)
            }
            whole => {
                partial.whole = whole;
                Ok(Some(Found::InPartial))
            }
        }
    }

    /// Inflates a message that has come whole, as far as it may go.
    fn take_deflated<'b>(
        &mut self,
        opcode: Opcode,
        deflated: &[u8],
        inflater: Option<&mut Inflater>,
    ) -> Result<Found<'b>, Error> {
        let keeps_context = self.keeps_context();
        let len_max = self.message_bytes_max as usize;
        let partial = self.partial.get_or_insert_with(|| Box::new(Partial::new()));
        let mut passing = Inflater::default();
        let inflater = match (keeps_context, inflater) {
            (true, _) => partial.context.get_or_insert_default(),
            (false, Some(shared)) => shared,
            (false, None) => &mut passing,
        };
        partial.whole = Some(Gathered::inflate(opcode, deflated, len_max, inflater, keeps_context)?);
        Ok(Found::InPartial)
    }

    /// Whether a frame with this header may come now.
    fn judge(&self, header: &Header) -> Result<(), Error> {
        let open = self.partial.as_ref().and_then(|partial| partial.message.as_ref());
        match (header.opcode, open) {
            // 5.4: they may be injected in the middle of a fragmented message; 5.5 limits their length.
            (Opcode::Close | Opcode::Ping | Opcode::Pong, _) => return Ok(()),
            (Opcode::Continuation, Some(_)) | (Opcode::Text | Opcode::Binary, None) => {}
            (Opcode::Continuation, None) => return Err(Error::ContinuationWithoutStart),
            (Opcode::Text | Opcode::Binary, Some(_)) => return Err(Error::MessageInsideMessage),
        }
        // 10.4: by the announced length, before there is memory for it. Both are below 2^63.
        let message_len = open.map_or(0, Gathered::len) as u64 + header.payload_len;
        let is_deflated = open.map_or(header.rsv1, Gathered::is_deflated);
        let len_max = arriving_bytes_max(self.message_bytes_max, is_deflated);
        if message_len > len_max as u64 { Err(Error::MessageTooBig) } else { Ok(()) }
    }
}

/// How many bytes of a message may arrive. What does not compress is longer deflated than it was: by five bytes for each
/// stored block, of which some senders write one for each of their writes.
fn arriving_bytes_max(message_bytes_max: u32, is_deflated: bool) -> usize {
    let message_bytes_max = message_bytes_max as usize;
    if is_deflated {
        message_bytes_max.saturating_add(message_bytes_max / 8).saturating_add(DEFLATED_SLACK_BYTES)
    } else {
        message_bytes_max
    }
}

const DEFLATED_SLACK_BYTES: usize = 1024;

impl Partial {
    fn new() -> Self {
        Self { decoder: Decoder::new(), message: None, control: None, whole: None, context: None }
    }

    fn is_empty(&self) -> bool {
        let has_nothing = self.message.is_none() && self.control.is_none() && self.whole.is_none();
        self.decoder.is_idle() && has_nothing && self.context.is_none()
    }

    fn heap_bytes(&self) -> usize {
        let gathered = [&self.message, &self.control, &self.whole].into_iter().flatten();
        let context =
            self.context.as_ref().map_or(0, |inflater| size_of_val(&**inflater) + inflater.heap_bytes());
        size_of::<Self>() + gathered.map(Gathered::capacity).sum::<usize>() + context
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::proto::ws::encoder;

    /// An event that outlives its input.
    #[derive(Debug, Clone, PartialEq, Eq)]
    enum Owned {
        Text(String),
        Binary(Vec<u8>),
        Ping(Vec<u8>),
        Pong(Vec<u8>),
        Close(Option<(u16, String)>),
        Error(Error),
    }

    impl From<Event<'_>> for Owned {
        fn from(event: Event<'_>) -> Self {
            match event {
                Event::Text(text) => Self::Text(text.to_owned()),
                Event::Binary(bytes) => Self::Binary(bytes.to_owned()),
                Event::Ping(payload) => Self::Ping(payload.to_owned()),
                Event::Pong(payload) => Self::Pong(payload.to_owned()),
                Event::Close(close) => Self::Close(close.map(|close| (close.code, close.reason.to_owned()))),
            }
        }
    }

    fn feed(ws: &mut Connection, bytes: &[u8]) -> Vec<Owned> {
        let mut bytes = bytes.to_vec();
        let mut input = Input::new(&mut bytes);
        let mut events = Vec::new();
        loop {
            match ws.poll_event(&mut input) {
                Ok(Some(event)) => events.push(event.into()),
                Ok(None) => break,
                Err(error) => events.push(Owned::Error(error)),
            }
        }
        assert!(input.is_empty());
        events
    }

    /// What a client hears, the bytes cut at `cuts`.
    fn cut(bytes: &[u8], message_bytes_max: usize, cuts: &[usize]) -> Vec<Owned> {
        let mut ws = Connection::new(Role::Client, message_bytes_max);
        let mut events = Vec::new();
        let mut start = 0;
        for end in cuts.iter().copied().chain([bytes.len()]) {
            events.extend(feed(&mut ws, &bytes[start..end]));
            start = end;
        }
        events
    }

    /// The same however it is cut in two, and if it comes byte by byte.
    fn heard(bytes: &[u8], message_bytes_max: usize) -> Vec<Owned> {
        let whole = cut(bytes, message_bytes_max, &[]);
        for at in 0..bytes.len() {
            assert_eq!(cut(bytes, message_bytes_max, &[at]), whole, "cut at {at}");
        }
        let every_byte: Vec<usize> = (0..bytes.len()).collect();
        assert_eq!(cut(bytes, message_bytes_max, &every_byte), whole, "byte by byte");
        whole
    }

    fn text(text: &str) -> Owned {
        Owned::Text(text.to_owned())
    }

    #[test]
    fn an_idle_connection_is_sixteen_bytes() {
        assert_eq!(size_of::<Connection>(), 16);
        assert_eq!(Connection::new(Role::Server, 1 << 24).heap_bytes(), 0);
    }

    #[test]
    fn a_partial_one_is_not_large_either() {
        assert!(size_of::<Partial>() <= 160, "{}", size_of::<Partial>());
    }

    #[test]
    fn examples_of_the_rfc() {
        assert_eq!(heard(b"\x81\x05Hello", 125), [text("Hello")]);
        assert_eq!(heard(b"\x01\x03Hel\x80\x02lo", 125), [text("Hello")]);
        assert_eq!(heard(b"\x89\x05Hello", 125), [Owned::Ping(b"Hello".to_vec())]);

        let mut server = Connection::new(Role::Server, 125);
        let hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        assert_eq!(feed(&mut server, &hello), [text("Hello")]);
        let pong = [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        assert_eq!(feed(&mut server, &pong), [Owned::Pong(b"Hello".to_vec())]);

        let mut bytes = vec![0x82, 0x7E, 0x01, 0x00];
        bytes.extend([7; 256]);
        assert_eq!(heard(&bytes, 256), [Owned::Binary(vec![7; 256])]);
        let mut bytes = vec![0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0];
        bytes.extend([7; 65_536]);
        assert_eq!(cut(&bytes, 65_536, &[]), [Owned::Binary(vec![7; 65_536])]);
        assert_eq!(cut(&bytes, 65_536, &[3, 40_000]), [Owned::Binary(vec![7; 65_536])]);
    }

    #[test]
    fn control_frames_may_interleave_a_fragmented_message() {
        let bytes = b"\x01\x02Gr\x89\x01!\x00\x01\xC3\x8A\x00\x80\x02\xBC\xC3\x81\x01x";
        let expected = [Owned::Ping(b"!".to_vec()), Owned::Pong(vec![]), Owned::Error(Error::TextNotUtf8)];
        assert_eq!(heard(bytes, 125), expected);
        let bytes = b"\x01\x02Gr\x89\x01!\x00\x01\xC3\x8A\x00\x80\x02\xBC\x21\x81\x01x";
        let expected = [Owned::Ping(b"!".to_vec()), Owned::Pong(vec![]), text("Gr\u{FC}!"), text("x")];
        assert_eq!(heard(bytes, 125), expected);
    }

    #[test]
    fn fragments_are_of_one_message_at_a_time() {
        let inside = [Owned::Error(Error::MessageInsideMessage)];
        assert_eq!(heard(b"\x01\x01a\x81\x01b", 125), inside);
        assert_eq!(heard(b"\x01\x01a\x02\x01b", 125), inside);
        let nothing = [Owned::Error(Error::ContinuationWithoutStart)];
        assert_eq!(heard(b"\x80\x01a", 125), nothing);
        assert_eq!(heard(b"\x00\x01a", 125), nothing);
        // The message before was whole.
        assert_eq!(heard(b"\x81\x01a\x80\x01b", 125), [text("a"), nothing[0].clone()]);
        assert_eq!(heard(b"\x01\x01a\x80\x01b\x80\x01c", 125), [text("ab"), nothing[0].clone()]);
    }

    #[test]
    fn what_came_before_a_fault_is_served_first_and_what_comes_after_never() {
        let bytes = b"\x81\x01a\x82\x01b\xC1\x01c\x81\x01d\x88\x00";
        let expected = [text("a"), Owned::Binary(b"b".to_vec()), Owned::Error(Error::ReservedBits)];
        assert_eq!(heard(bytes, 125), expected);
    }

    #[test]
    fn nothing_is_heard_after_a_close() {
        assert_eq!(heard(b"\x88\x00\x81\x01a\xFF\xFF", 125), [Owned::Close(None)]);
        let bytes = b"\x01\x01a\x88\x05\x03\xE9bye\x80\x01b";
        assert_eq!(heard(bytes, 125), [Owned::Close(Some((1001, "bye".to_owned())))]);
        assert_eq!(heard(b"\x88\x01\x03\x81\x01a", 125), [Owned::Error(Error::CloseTooShort)]);
    }

    #[test]
    fn exactly_the_limit_passes() {
        assert_eq!(heard(b"\x81\x04abcd", 4), [text("abcd")]);
        assert_eq!(heard(b"\x81\x05abcde", 4), [Owned::Error(Error::MessageTooBig)]);
        assert_eq!(heard(b"\x01\x02ab\x80\x02cd", 4), [text("abcd")]);
        assert_eq!(heard(b"\x01\x02ab\x80\x03cde", 4), [Owned::Error(Error::MessageTooBig)]);
        // Half a character counts as well.
        assert_eq!(heard(b"\x01\x03ab\xC3\x80\x02\xA9c", 4), [Owned::Error(Error::MessageTooBig)]);
        // The limit is on messages: control frames have their own.
        assert_eq!(heard(b"\x89\x05abcde", 4), [Owned::Ping(b"abcde".to_vec())]);
        assert_eq!(heard(b"\x81\x00", 0), [text("")]);
        assert_eq!(heard(b"\x81\x01a", 0), [Owned::Error(Error::MessageTooBig)]);
    }

    #[test]
    fn a_message_too_big_is_refused_by_its_header_alone() {
        let mut ws = Connection::new(Role::Client, 1 << 20);
        assert_eq!(feed(&mut ws, b"\x82\x7F\0\0\0\0\0\x10\0\x01"), [Owned::Error(Error::MessageTooBig)]);
        assert_eq!(ws.heap_bytes(), 0);
        let mut ws = Connection::new(Role::Client, usize::MAX);
        let longest = b"\x82\x7F\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF";
        assert_eq!(feed(&mut ws, longest), [Owned::Error(Error::MessageTooBig)]);
    }

    #[test]
    fn memory_is_for_what_has_arrived_not_for_what_was_announced() {
        let mut ws = Connection::new(Role::Client, 1 << 30);
        let mut bytes = b"\x82\x7F\0\0\0\0\x40\0\0\0".to_vec();
        bytes.extend([0; 1000]);
        assert_eq!(feed(&mut ws, &bytes), []);
        assert!(ws.heap_bytes() < 2000, "{}", ws.heap_bytes());
    }

    #[test]
    fn a_million_fragments_cost_their_bytes_and_empty_ones_nothing() {
        let mut ws = Connection::new(Role::Client, 1 << 20);
        assert_eq!(feed(&mut ws, b"\x02\x00"), []);
        let idle = ws.heap_bytes();
        let fragments = b"\x00\x00".repeat(1000);
        for _ in 0..1000 {
            assert_eq!(feed(&mut ws, &fragments), []);
        }
        assert_eq!(ws.heap_bytes(), idle);
        let fragments = b"\x00\x01a".repeat(1000);
        for _ in 0..1000 {
            assert_eq!(feed(&mut ws, &fragments), []);
        }
        assert!(ws.heap_bytes() <= idle + (1 << 20));
        assert_eq!(feed(&mut ws, b"\x80\x00"), [Owned::Binary(vec![b'a'; 1_000_000])]);
        assert_eq!(ws.heap_bytes(), 0);
    }

    #[test]
    fn a_bad_byte_ends_a_long_frame_when_it_arrives() {
        let mut ws = Connection::new(Role::Client, 1 << 20);
        assert_eq!(feed(&mut ws, b"\x81\x7F\0\0\0\0\0\x10\0\0all is well \xED"), []);
        assert_eq!(feed(&mut ws, b"\xA0"), [Owned::Error(Error::TextNotUtf8)]);
        assert_eq!(ws.heap_bytes(), 0);
    }

    #[test]
    fn a_whole_message_is_given_where_it_lies() {
        let mut bytes = *b"\x81\x05Hello\x82\x01x";
        let range = bytes.as_ptr_range();
        let mut ws = Connection::new(Role::Client, 125);
        let mut input = Input::new(&mut bytes);
        let Ok(Some(Event::Text(text))) = ws.poll_event(&mut input) else { panic!("a text") };
        assert!(range.contains(&text.as_ptr()));
        assert_eq!(ws.heap_bytes(), 0);
    }

    #[test]
    fn only_the_header_cut_off_the_payload_is_not_copied() {
        let mut ws = Connection::new(Role::Client, 125);
        assert_eq!(feed(&mut ws, b"\x81"), []);
        let mut bytes = *b"\x05Hello";
        let range = bytes.as_ptr_range();
        let mut input = Input::new(&mut bytes);
        let Ok(Some(Event::Text(text))) = ws.poll_event(&mut input) else { panic!("a text") };
        assert!(range.contains(&text.as_ptr()));
    }

    /// A step of a peer that keeps the rules.
    #[derive(Debug, Clone)]
    enum Step {
        Text(String),
        Binary(Vec<u8>),
        Ping(Vec<u8>),
        Pong(Vec<u8>),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let payload = || prop::collection::vec(any::<u8>(), 0..=125);
        let step = prop_oneof![
            "\\PC{0,100}".prop_map(Step::Text),
            prop::collection::vec(any::<u8>(), 0..300).prop_map(Step::Binary),
            payload().prop_map(Step::Ping),
            payload().prop_map(Step::Pong),
        ];
        prop::collection::vec(step, 0..8)
    }

    /// Any byte, and more often one that begins a frame.
    fn noise() -> impl Strategy<Value = u8> {
        let first = prop::sample::select(vec![0x00, 0x01, 0x02, 0x80, 0x81, 0x82, 0x88, 0x89]);
        prop_oneof![first, any::<u8>()]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn decode_of_encode_is_what_was_said(
            steps in steps(),
            key: Option<[u8; 4]>,
            fragment_len in 1..50_usize,
            read_len in 1..200_usize,
        ) {
            let (mut bytes, mut expected) = (Vec::new(), Vec::new());
            for step in steps {
                let (opcode, payload) = match &step {
                    Step::Text(text) => (Opcode::Text, text.as_bytes()),
                    Step::Binary(bytes) => (Opcode::Binary, &bytes[..]),
                    Step::Ping(payload) => (Opcode::Ping, &payload[..]),
                    Step::Pong(payload) => (Opcode::Pong, &payload[..]),
                };
                if opcode.is_control() {
                    encoder::frame(&mut bytes, opcode, payload, key);
                } else {
                    let count = payload.len().div_ceil(fragment_len).max(1);
                    for at in 0..count {
                        let opcode = if at == 0 { opcode } else { Opcode::Continuation };
                        let end = payload.len().min((at + 1) * fragment_len);
                        let fragment = &payload[at * fragment_len..end];
                        encoder::fragment(&mut bytes, at + 1 == count, opcode, fragment, key);
                    }
                }
                expected.push(match step {
                    Step::Text(text) => Owned::Text(text),
                    Step::Binary(bytes) => Owned::Binary(bytes),
                    Step::Ping(payload) => Owned::Ping(payload),
                    Step::Pong(payload) => Owned::Pong(payload),
                });
            }
            let role = if key.is_some() { Role::Server } else { Role::Client };
            let mut ws = Connection::new(role, 1 << 16);
            let heard: Vec<Owned> = bytes.chunks(read_len).flat_map(|read| feed(&mut ws, read)).collect();
            prop_assert_eq!(heard, expected);
            prop_assert_eq!(ws.heap_bytes(), 0);
        }

        #[test]
        fn noise_is_heard_alike_however_it_is_cut(bytes in prop::collection::vec(noise(), 0..40)) {
            heard(&bytes, 60);
        }
    }
}
