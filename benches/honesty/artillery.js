// What the flow in artillery.yml calls.

const seconds = Number(process.env.SECONDS);
const interval = Number(process.env.INTERVAL_MS);

export function start(context, events, done) {
  context.vars.until = performance.now() + seconds * 1000;
  context.vars.message = "x".repeat(64);
  done();
}

export function isOn(context, next) {
  next(performance.now() < context.vars.until);
}

export function mark(context, events, done) {
  context.vars.began = performance.now();
  done();
}

export function note(context, events, done) {
  events.emit("histogram", "message_ms", performance.now() - context.vars.began);
  events.emit("counter", "messages_answered", 1);
  done();
}

// The time until the next message is due, none if that has passed: the most that a user who waits for answers can do.
export function pause(context, events, done) {
  setTimeout(done, Math.max(0, context.vars.began + interval - performance.now()));
}
