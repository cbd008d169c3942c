//! Publishing, and answers about rooms.

use super::history::Record;
use super::hub::Hub;
use super::keys::{KeyHash, Published, hash_data};
use super::membership::{position, room_meant, room_of_stream};
use super::pressure::{self, Replayed, Slow};
use super::{Effects, MemberId, Mode, RoomId};
use crate::time::Millis;
use crate::wire::name::folded;
use crate::wire::{Data, Event, Message, Page, Refusal, RequestId, RoomName, json};
use std::ops::Range;

/// The longest key.
const KEY_BYTES_MAX: usize = 128;
/// When to try again to say something to somebody who is busy.
const BUSY_RETRY_MS: u64 = 1000;
/// How many bytes of messages a page of history holds, but for its first, which may be longer.
const PAGE_BYTES_MAX: usize = 64 * 1024;

impl Hub {
    #[allow(clippy::too_many_arguments, reason = "publishing has as many fields")]
    pub(super) fn publish<'a>(
        &mut self,
        now: Millis,
        id: MemberId,
        request: Option<RequestId>,
        room: Option<RoomName<'_>>,
        data: Data<'_>,
        key: Option<&str>,
        effects: &mut dyn Effects,
    ) -> Result<(), Refusal<'a>> {
        let bytes_max = self.settings.message_bytes_max;
        if data.len_bytes() > bytes_max {
            return Err(Refusal::MessageTooBig { bytes_max });
        }
        if key.is_some_and(|key| key.len() > KEY_BYTES_MAX) {
            return Err(Refusal::BadRequest("`key` is longer than 128 bytes"));
        }
        let mut json = std::mem::take(&mut self.json);
        let done = self.take(now, id, request, room, data, key, &mut json, effects);
        self.json = json;
        done
    }

    /// Takes a message that is not too long. `json` is lent for rendering it.
    #[allow(clippy::too_many_arguments, reason = "publishing has as many fields")]
    fn take<'a>(
        &mut self,
        now: Millis,
        id: MemberId,
        request: Option<RequestId>,
        room: Option<RoomName<'_>>,
        data: Data<'_>,
        key: Option<&str>,
        json: &mut Vec<u8>,
        effects: &mut dyn Effects,
    ) -> Result<(), Refusal<'a>> {
        let room = room_meant(self, id, room)?;
        let (room_id, index) = (room.id, room.id.index);
        let name = self.members.name(id);
        let key_hash = key.map(|key| KeyHash::new(self.name_seed, || folded(name), key));
        let data_hash = hash_data(data);
        if let Some(known) = key_hash.and_then(|hash| self.rooms.published(now, room, hash)) {
            if known.data != data_hash {
                return Err(Refusal::BadRequest("this `key` was used for other data"));
            }
            let published =
                Event::Published { room: &room.name, seq: known.seq, at: known.at, is_duplicate: true };
            effects.answer(id, room_id, request, &published);
            return Ok(());
        }
        // The calendar may have been set back since the message before.
        let (seq, at) = (room.history.newest() + 1, effects.unix_ms().max(room.newest_at));
        let message = Message { room: &room.name, seq, name, key, at, data };
        json.clear();
        json::render_message(&message, json);
        let (mode, echoes) = self.members.get(id).map_or((Mode::Text, false), |it| (it.mode, it.echoes));
        let published = Event::Published { room: &room.name, seq, at, is_duplicate: false };
        let reads_it_with_others = echoes && mode == Mode::Text;
        let except = if reads_it_with_others { &[][..] } else { &[id][..] };
        let entry = effects.say(room_id, &message, json, except);
        // The answer has the message's own place. The message itself, for a program that wants it too, comes with it: left
        // in the stream behind its answer, it could become part of a gap there.
        if mode == Mode::Json {
            effects.answer(id, room_id, request, &published);
        }
        if echoes && mode == Mode::Json {
            effects.answer(id, room_id, None, &Event::Message(message));
        }
        let record = Record { seq, entry, at, json: json.as_slice().into() };
        self.rooms.remember(now, index, record);
        self.messages += 1;
        if let Some(hash) = key_hash {
            self.rooms.remember_key(now, index, hash, Published { seq, at, data: data_hash });
        }
        Ok(())
    }

    pub(super) fn direct<'a>(
        &mut self,
        id: MemberId,
        request: Option<RequestId>,
        to: &'a str,
        data: Data<'_>,
        effects: &mut dyn Effects,
    ) -> Result<(), Refusal<'a>> {
        let bytes_max = self.settings.message_bytes_max;
        if data.len_bytes() > bytes_max {
            return Err(Refusal::MessageTooBig { bytes_max });
        }
        let reader = self.find(to).ok_or(Refusal::NoSuchName(to))?;
        // A room's messages wait in its log, once for all; these wait in the reader's own memory.
        if effects.is_crowded(reader) {
            return Err(Refusal::Busy { retry_ms: BUSY_RETRY_MS });
        }
        let direct = Event::Direct {
            from: self.members.name(id),
            to: self.members.name(reader),
            at: effects.unix_ms(),
            data,
        };
        effects.tell(reader, None, &direct);
        effects.tell(id, request, &Event::Done { room: None });
        Ok(())
    }

    pub(super) fn history<'a>(
        &mut self,
        id: MemberId,
        request: Option<RequestId>,
        room: Option<RoomName<'_>>,
        page: Page,
        limit: Option<usize>,
        effects: &mut dyn Effects,
    ) -> Result<(), Refusal<'a>> {
        let limit = self.list_len(limit);
        let room = room_meant(self, id, room)?;
        let history = &room.history;
        let mut bytes = 0;
        // The first is given however long it is; a page that holds none leads nowhere.
        let mut fits = |record: &&Record| {
            let had_none = bytes == 0;
            bytes += record.json.len();
            had_none || bytes <= PAGE_BYTES_MAX
        };
        let (mut messages, has_more): (Vec<&[u8]>, bool);
        match page {
            Page::After(seq) => {
                let mut records = history.after(seq);
                messages = records.by_ref().take(limit).take_while(&mut fits).map(|it| &*it.json).collect();
                has_more = history.after(seq).len() > messages.len();
            }
            Page::Newest | Page::Before(_) => {
                let before = if let Page::Before(seq) = page { seq } else { u64::MAX };
                let older = history.after(0).rev().skip_while(|record| record.seq >= before);
                messages = older.clone().take(limit).take_while(&mut fits).map(|it| &*it.json).collect();
                has_more = older.count() > messages.len();
                messages.reverse();
            }
        }
        let page = Event::History { room: &room.name, epoch: &room.epoch, messages: &messages, has_more };
        effects.answer(id, room.id, request, &page);
        Ok(())
    }

    pub(super) fn list_members<'a>(
        &mut self,
        id: MemberId,
        request: Option<RequestId>,
        room: Option<RoomName<'_>>,
        after: Option<&str>,
        limit: Option<usize>,
        effects: &mut dyn Effects,
    ) -> Result<(), Refusal<'a>> {
        let limit = self.list_len(limit);
        let room = room_meant(self, id, room)?;
        let first = u32::try_from(place_of(after)?).unwrap_or(u32::MAX);
        let page: Vec<MemberId> = room.roster.from(MemberId(first)).take(limit.saturating_add(1)).collect();
        let names: Vec<&str> = page.iter().take(limit).map(|&id| self.members.name(id)).collect();
        let next = page.get(limit).map(|MemberId(next)| next.to_string());
        let members = Event::Members {
            room: &room.name,
            members: room.roster.len(),
            names: &names,
            next: next.as_deref(),
        };
        effects.answer(id, room.id, request, &members);
        let index = room.id.index;
        if let Some(room) = self.rooms.get_mut(index) {
            room.presence.note_listed();
        }
        Ok(())
    }

    pub(super) fn list_rooms<'a>(
        &mut self,
        id: MemberId,
        request: Option<RequestId>,
        after: Option<&str>,
        limit: Option<usize>,
        effects: &mut dyn Effects,
    ) -> Result<(), Refusal<'a>> {
        let limit = self.list_len(limit);
        let (rooms, next) = self.rooms.inhabited(place_of(after)?, limit);
        let listed: Vec<_> = rooms.into_iter().map(|room| (&*room.name, room.roster.len())).collect();
        let next = next.map(|place| place.to_string());
        effects.tell(id, request, &Event::Rooms { rooms: &listed, next: next.as_deref() });
        Ok(())
    }

    pub(super) fn show_seq<'a>(
        &mut self,
        id: MemberId,
        request: Option<RequestId>,
        is_on: bool,
        effects: &mut dyn Effects,
    ) -> Result<(), Refusal<'a>> {
        let room = self.room_of(id);
        let event = Event::ShowSeqIs { is_on, at: room.map(position) };
        match room {
            Some(room) => {
                // Its stream is written otherwise from here on.
                effects.unfollow(id, room.id);
                effects.show_seq(id, is_on);
                effects.follow(id, room.id);
                effects.answer(id, room.id, request, &event);
            }
            None => {
                effects.show_seq(id, is_on);
                effects.tell(id, request, &event);
            }
        }
        Ok(())
    }

    /// Gives a member the messages that stand in these entries of a room's stream, and stops when `give` says that this
    /// is enough for now. Returns the first entry that has not been dealt with; `None` if the member is to be closed:
    /// since the room does not wait for it, or not for so long that nobody knows any more what it lacks.
    pub fn replay(
        &self,
        room: RoomId,
        missing: Range<u64>,
        has_lagged: bool,
        mut give: impl FnMut(&str, &str, Replayed<'_>) -> bool,
    ) -> Option<u64> {
        // Who left a room, and has not read what it said before, while the room was kept and then forgotten.
        let room = room_of_stream(self, room)?;
        let slow = match (has_lagged, self.settings.slow) {
            (false, _) => Slow::CatchUp,
            (true, Slow::Disconnect) => return None,
            (true, slow) => slow,
        };
        let mut give = |replayed: Replayed<'_>| give(&room.name, &room.epoch, replayed);
        let reached = pressure::replay(&room.history, slow, missing.clone(), &mut give)?;
        if has_lagged && pressure::has_notices(&room.history, missing.start..reached) {
            give(Replayed::Members(room.roster.told_of()));
        }
        Some(reached)
    }

    fn list_len(&self, limit: Option<usize>) -> usize {
        limit.map_or(self.settings.list_len, |limit| limit.min(self.settings.list_len_max))
    }
}

/// What an earlier answer gave as the place where the rest begins.
fn place_of<'a>(after: Option<&str>) -> Result<usize, Refusal<'a>> {
    match after {
        None => Ok(0),
        Some(place) => place.parse().map_err(|_| Refusal::BadRequest("`after` is not what `next` was")),
    }
}
