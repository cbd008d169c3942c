//! Coming into rooms and going out of them, with what was said before or in the meantime.
//!
//! Joining and being sent earlier messages are one step: from here on the member follows the room's stream, and is sent
//! the entries before that it wants in their place, behind the answer and before anything newer.
//!
//! ```text
//!     stream of the room      ... 41 │ 42 43 44 ║ 45 46 ...              ║ the member joins here
//!     stream of the member     joined│ 42 43 44 ║ 45 46 ...              │ since 41
//!                                     └ replay ┘ └ live
//! ```
//!
//! As much as makes one slice goes with the answer, so that no message which comes right behind the join can drive out
//! what the answer has just promised. Only the rest waits in the history, and is asked for as the member reads; and so
//! does all of it for one who has enough to read already.

use super::hub::Hub;
use super::presence::Change;
use super::pressure::SLICE_BYTES;
use super::room::Room;
use super::{Effects, MemberId, Mode, RoomId};
use crate::time::Millis;
use crate::wire::{Event, Position, Refusal, RequestId, Resumed, RoomName};

impl Hub {
    #[allow(clippy::too_many_arguments, reason = "a join has as many fields")]
    pub(super) fn join<'a>(
        &mut self,
        now: Millis,
        id: MemberId,
        request: Option<RequestId>,
        name: RoomName<'_>,
        since: Option<Position<'_>>,
        history: usize,
        effects: &mut dyn Effects,
    ) -> Result<(), Refusal<'a>> {
        let mode = self.members.get_mut_here(id).mode;
        let is_there = self.rooms.find(name).is_some_and(|room| self.is_in(id, room.id));
        match (mode, is_there) {
            (Mode::Json, true) => return Err(Refusal::AlreadyJoined),
            (Mode::Json, false) => {
                let rooms_max = self.settings.rooms_per_member_max;
                if self.members.get_mut_here(id).rooms.as_slice().len() >= rooms_max {
                    return Err(Refusal::TooManyRooms { rooms_max });
                }
                self.go_in(now, id, name, effects)?;
            }
            (Mode::Text, true) => {}
            (Mode::Text, false) => {
                let before = self.members.get_mut_here(id).rooms.to_vec();
                self.go_in(now, id, name, effects)?;
                before.into_iter().for_each(|room| self.leave_room(now, id, room, effects));
            }
        }
        if let Some(room) = self.rooms.find(name) {
            tell_joined(room, id, request, since, history, room.roster.len(), effects);
        }
        Ok(())
    }

    /// Text only: the member's stream of its room begins anew behind a position.
    pub(super) fn resume<'a>(
        &mut self,
        _now: Millis,
        id: MemberId,
        request: Option<RequestId>,
        since: Position<'_>,
        effects: &mut dyn Effects,
    ) -> Result<(), Refusal<'a>> {
        let room = self.room_of(id).ok_or(Refusal::NotJoined)?;
        effects.unfollow(id, room.id);
        effects.follow(id, room.id);
        tell_joined(room, id, request, Some(since), 0, room.roster.len(), effects);
        Ok(())
    }

    /// Goes into a room, which is made if there is none.
    pub(super) fn go_in<'a>(
        &mut self,
        now: Millis,
        id: MemberId,
        name: RoomName<'_>,
        effects: &mut dyn Effects,
    ) -> Result<(), Refusal<'a>> {
        let members_max = self.settings.members_max;
        let room = self.rooms.open(name, &self.seed).ok_or(Refusal::Full)?;
        if room.roster.len() >= members_max {
            return Err(Refusal::Full);
        }
        room.roster.admit(id);
        let room_id = room.id;
        self.members.get_mut_here(id).rooms.push(room_id.index);
        // The others first: then nobody is told of their own coming.
        let change = Change::Joined { member: id, name: self.members.name(id) };
        self.rooms.tell(now, room_id.index, change, effects);
        effects.follow(id, room_id);
        Ok(())
    }

    pub(super) fn leave_by_name<'a>(
        &mut self,
        now: Millis,
        id: MemberId,
        request: Option<RequestId>,
        name: RoomName<'a>,
        effects: &mut dyn Effects,
    ) -> Result<(), Refusal<'a>> {
        let room = room_meant(self, id, Some(name))?.id;
        effects.answer(id, room, request, &Event::Done { room: Some(name.as_str()) });
        self.leave_room(now, id, room.index, effects);
        Ok(())
    }

    /// Leaves the room at this place of the table.
    pub(super) fn leave_room(&mut self, now: Millis, id: MemberId, index: u32, effects: &mut dyn Effects) {
        let Some(room) = self.rooms.get_mut(index) else { return };
        effects.unfollow(id, room.id);
        room.roster.remove(id);
        self.members.get_mut_here(id).rooms.remove(index);
        match room.roster.is_empty() {
            true => {
                self.rooms.note_empty(now, index);
            }
            false => {
                let change = Change::Left { member: id, name: self.members.name(id) };
                self.rooms.tell(now, index, change, effects);
            }
        }
    }
}

/// Answers a join, and asks for the messages that go with the answer.
pub(super) fn tell_joined(
    room: &Room,
    id: MemberId,
    request: Option<RequestId>,
    since: Option<Position<'_>>,
    history: usize,
    members: usize,
    effects: &mut dyn Effects,
) {
    let (oldest, newest) = (room.history.oldest(), room.history.newest());
    let resumed = match since {
        None => Resumed::NotAsked,
        Some(since) if *since.epoch != *room.epoch => Resumed::Epoch { oldest },
        Some(since) if since.seq > newest => Resumed::Ahead { oldest },
        Some(since) if since.seq + 1 < oldest => Resumed::Trimmed { oldest },
        Some(_) => Resumed::Yes,
    };
    let wanted_after = match (resumed, since) {
        (Resumed::Yes, Some(since)) => since.seq,
        _ => newest.saturating_sub(history as u64),
    };
    let records = room.history.after(wanted_after);
    let (count, last) = (records.len() as u64, records.clone().next_back().map(|record| record.entry));
    let joined = Event::Joined {
        room: &room.name,
        epoch: &room.epoch,
        seq: newest,
        from: newest + 1 - count,
        count,
        resumed,
        members,
    };
    effects.answer(id, room.id, request, &joined);
    let mut bytes = if effects.is_crowded(id) { SLICE_BYTES } else { 0 };
    for record in records {
        if bytes >= SLICE_BYTES {
            return effects.replay(id, room.id, record.entry..last.map_or(0, |last| last + 1));
        }
        bytes += record.json.len();
        effects.recall(id, room.id, record);
    }
}

/// Where a room is, for whoever wants to come back to here.
pub(super) fn position(room: &Room) -> Position<'_> {
    Position { epoch: &room.epoch, seq: room.history.newest() }
}

/// The room that is meant: the one that is named, if the member is in it, or else the one that it is in.
pub(super) fn room_meant<'h, 'a>(
    hub: &'h Hub,
    id: MemberId,
    name: Option<RoomName<'_>>,
) -> Result<&'h Room, Refusal<'a>> {
    let room = match name {
        Some(name) => hub.rooms.find(name).filter(|room| hub.is_in(id, room.id)),
        None => hub.room_of(id),
    };
    room.ok_or(Refusal::NotJoined)
}

/// A room that may be gone, by its stream.
pub(super) fn room_of_stream(hub: &Hub, id: RoomId) -> Option<&Room> {
    hub.rooms.get_by_id(id)
}
