// What the page keeps, and whose it is.
//
// The session's storage survives a reload, and a tab that was closed and is opened again. It is also copied, when a tab is
// duplicated: then two tabs have one name, one secret, and the same lines that are not sent yet. So each tab has an id, and
// holds a lock of that name for as long as it lives. The browser lets go of it when the page is gone, however it ended.
//
//     the lock is free     a reload, a tab opened again, a crash: the page goes on as the same person
//     the lock is held     the tab is a copy, whether the original runs or is frozen: somebody else, in the same rooms
//
// A page lets go of its lock when it goes, and says in the storage that it does. On a reload its lock may still be held for
// a moment, so that is waited for. A copy is made of a page that stays, and sees that at once.
//
// Locks are for pages by HTTPS or from this machine. Elsewhere tabs ask each other, and no answer means that nobody is there:
// there a frozen original is not found, and loses its name to the copy.

const TAB = "chinwag-tab";
const LEAVING_MS = 1000; // at most: from a page's `pagehide` until its lock is free
const ANSWER_MS = 300; // for another tab to say that it is the one

const session = () => sessionStorage;
const device = () => localStorage;

function read(storage, key) {
  try {
    return JSON.parse(storage().getItem(key));
  } catch {
    return null; // a browser that stores nothing still chats
  }
}

function keep(storage, key, value) {
  try {
    storage().setItem(key, JSON.stringify(value));
  } catch {
    // As above.
  }
}

/** What this browser remembers, for all tabs and all days. */
export const onDevice = { read: (key) => read(device, key), keep: (key, value) => keep(device, key, value) };

/** What this tab remembers. */
export const inTab = { read: (key) => read(session, key), keep: (key, value) => keep(session, key, value) };

let letGo = () => {};

/**
 * Makes this tab the owner of what it remembers. Resolves to whether it is: a copy is not, and has to begin as somebody else.
 * @returns {Promise<boolean>}
 */
export async function claim() {
  const before = inTab.read(TAB);
  const isOwner = !before || (await own(before.id, before.isLeft));
  const id = before && isOwner ? before.id : newId();
  if (id !== before?.id) own(id, false); // nobody else has an id that is new
  const note = (isLeft) => inTab.keep(TAB, { id, isLeft });
  note(false);
  addEventListener("pagehide", () => {
    note(true);
    letGo();
  });
  addEventListener("pageshow", async ({ persisted }) => {
    if (!persisted) return;
    // The browser has kept the page, and brings it back. A copy may have come meanwhile.
    if (await own(id, false)) note(false);
    else location.reload();
  });
  return isOwner;
}

function newId() {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function own(id, isLeft) {
  const name = `chinwag-tab-${id}`;
  try {
    if (navigator.locks) return (await lock(name, { ifAvailable: true })) || (isLeft && (await lock(name, { signal: deadline() })));
    return await ask(name);
  } catch {
    return true; // a browser that has neither has no copies that we could know of
  }
}

/** Takes a lock, and keeps it until the page goes. Resolves to whether it could be had. */
function lock(name, options) {
  return new Promise((resolve, reject) => {
    const held = (it) => {
      resolve(it !== null);
      return it && new Promise((done) => (letGo = done));
    };
    navigator.locks.request(name, options, held).catch((error) => (error.name === "AbortError" ? resolve(false) : reject(error)));
  });
}

function deadline() {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), LEAVING_MS);
  return controller.signal;
}

/** Asks the other tabs, and answers them from then on. Of several that ask at once, the one with the lowest id is the one. */
function ask(name) {
  const channel = new BroadcastChannel(name);
  const me = newId();
  let isOwner = false;
  return new Promise((resolve) => {
    channel.onmessage = ({ data: { asker, owner, to } }) => {
      if (asker && (isOwner || me < asker)) channel.postMessage({ owner: me, to: asker });
      if (owner && to === me && !isOwner) {
        channel.close();
        resolve(false);
      }
    };
    channel.postMessage({ asker: me });
    setTimeout(() => {
      isOwner = true;
      letGo = () => channel.close();
      resolve(true);
    }, ANSWER_MS);
  });
}
