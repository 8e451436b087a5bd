// The connection to the server. It comes back by itself, and what was said meanwhile is
// said then. It knows nothing of the page.
//
// SPDX-License-Identifier: BSL-1.0

const patience = 20_000; // for an answer to what was said
const longest = 4000; // bytes of a text

/** A key, or a mark: nobody else has the same, nor can guess it. */
export function makeUnique() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Whether the message id `a` ("1700000000000-0") comes after `b`. */
export function isLater(a, b) {
  const [time, number] = a.split("-").map(Number);
  const [otherTime, otherNumber] = b.split("-").map(Number);
  return time > otherTime || (time === otherTime && number > otherNumber);
}

/**
 * How long to wait after a connection was closed with `code`, in milliseconds. `failures`
 * is how many there were in a row. Some chance is in it, so that the many who were cut
 * off together do not come back together.
 */
export function delayAfter(code, failures, random = Math.random) {
  if (failures === 0 && (code === 1012 || code === 1001)) return 100 + random() * 1400;
  const most = Math.min(15_000, 1000 * 2 ** Math.min(failures, 10));
  return most * (0.5 + random() / 2);
}

export class Connection {
  /** What was said and not confirmed: {room, text, mark, reason}, a reason if refused. */
  waiting = [];
  room = "";
  name = "";
  /** The id of the last message of the room. */
  last = undefined;

  #url;
  #key;
  #tell;
  #me = ""; // what the marks of our messages begin with
  #socket = null;
  #isIn = false; // the server has welcomed us
  #start = 0; // when it did
  #failures = 0;
  #retry; // timers
  #limit;
  #heard = 0; // when the server last said something
  #isTurnedAway = false;

  /**
   * Who has the `key` is the same for the server, also after a reload. `tell` is called
   * with what the server says, each message of a room once and in order, and with
   *   {type: "state", state: "connecting" | "connected" | "waiting" | "turned away",
   *    until, code, reason}
   *   {type: "waiting"} when `waiting` has changed.
   */
  constructor(url, key, tell) {
    this.#url = url;
    this.#key = key;
    this.#tell = tell;
  }

  /** Goes to a room. `last`: the id of the last message that one has of it. */
  join(room, name, last) {
    this.room = room;
    this.name = name;
    this.last = last;
    this.#failures = 0;
    this.#connect();
  }

  /** Says something now, or as soon as there is a connection. */
  say(text) {
    this.#push({ room: this.room, text, mark: makeUnique() });
  }

  /** Tries once more with what was refused. */
  sayAgain(mark) {
    const item = this.#take(mark);
    if (item) this.#push({ room: item.room, text: item.text, mark });
  }

  /** Gives up what was refused. */
  discard(mark) {
    if (this.#take(mark)) this.#tell({ type: "waiting" });
  }

  /** It may work now: there is a network again, or somebody who looks at it. */
  hurry() {
    if (this.#retry !== undefined) this.#connect();
  }

  /** The connection that there was may be dead, even if nobody has noticed. */
  renew() {
    if (this.room && !this.#isTurnedAway) this.#connect();
  }

  #push(item) {
    this.waiting.push(item);
    this.#tell({ type: "waiting" });
    if (!this.#isIn) return;
    this.#send(item);
    this.#expectAnswer();
  }

  #take(mark) {
    const at = this.waiting.findIndex((item) => item.mark === mark);
    return at < 0 ? undefined : this.waiting.splice(at, 1)[0];
  }

  #send({ text, mark }) {
    this.#socket.send(JSON.stringify({ type: "say", text, mark }));
  }

  // A connection through which nothing comes any more looks like a quiet room, until one
  // has said something.
  #expectAnswer() {
    if (this.#limit !== undefined) return;
    const said = Date.now();
    this.#limit = setTimeout(() => {
      this.#limit = undefined;
      if (this.#heard < said) {
        this.#lost(1006, "no answer");
      } else if (this.#unsaid().length > 0) {
        this.#expectAnswer();
      }
    }, patience);
  }

  #connect() {
    this.#drop();
    this.#isTurnedAway = false;
    this.#tell({ type: "state", state: "connecting" });
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.onopen = () => {
      const { room, name } = this;
      const join = { type: "join", room, name, key: this.#key, since: this.#since() };
      socket.send(JSON.stringify(join));
    };
    socket.onmessage = (event) => this.#hear(JSON.parse(event.data));
    socket.onclose = (event) => this.#lost(event.code, event.reason);
    this.#limit = setTimeout(() => this.#lost(1006, "no answer"), patience);
  }

  #unsaid() {
    return this.waiting.filter(({ room, reason }) => room === this.room && !reason);
  }

  // What is not confirmed may be anywhere in the history.
  #since() {
    return this.last ?? (this.#unsaid().length > 0 ? "0-0" : undefined);
  }

  #drop() {
    clearTimeout(this.#retry);
    clearTimeout(this.#limit);
    this.#retry = this.#limit = undefined;
    this.#isIn = false;
    if (!this.#socket) return;
    // A dead connection takes its time to close, and nobody waits for it.
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = null;
  }

  #lost(code, reason) {
    // One that is cut off again and again shall come back less and less often.
    if (this.#isIn && Date.now() - this.#start > 10_000) this.#failures = 0;
    this.#drop();
    const delay = delayAfter(code, this.#failures++);
    this.#retry = setTimeout(() => this.#connect(), delay);
    const until = Date.now() + delay;
    this.#tell({ type: "state", state: "waiting", until, code, reason });
  }

  #hear(said) {
    this.#heard = Date.now();
    if (said.type === "welcome") {
      this.#welcome(said);
    } else if (said.type === "message") {
      this.#message(said);
    } else if (said.type === "refused") {
      const item = this.waiting.find(({ mark }) => mark === said.mark);
      if (item) item.reason = said.reason;
      this.#tell(said);
      this.#tell({ type: "waiting" });
    } else if (said.type === "error" && !this.#isIn) {
      this.#drop();
      this.#isTurnedAway = true;
      this.#tell({ type: "state", state: "turned away", reason: said.reason });
    } else {
      this.#tell(said);
    }
  }

  #welcome({ history, ...welcome }) {
    clearTimeout(this.#limit);
    this.#limit = undefined;
    this.#isIn = true;
    this.#start = Date.now();
    this.#me = `${welcome.me}-`;
    welcome.gap &&= this.last !== undefined;
    const asked = this.room; // the server may have another spelling of it
    this.room = welcome.room;
    for (const item of this.waiting) if (item.room === asked) item.room = this.room;
    this.#tell({ ...welcome, history: history.filter((said) => this.#isNew(said)) });
    this.#tell({ type: "state", state: "connected" });
    for (const item of this.#unsaid()) this.#send(item);
  }

  #message(said) {
    if (this.#isNew(said)) this.#tell(said);
  }

  // Notes that it has come. A message of our own is confirmed by that, even one that
  // comes again because we have said it again.
  #isNew(said) {
    said.isOwn = said.mark.startsWith(this.#me);
    if (said.isOwn && this.#take(said.mark.slice(this.#me.length))) {
      this.#tell({ type: "waiting" });
    }
    if (this.last && !isLater(said.id, this.last)) return false;
    this.last = said.id;
    return true;
  }
}

/** Why `text` cannot be said, or nothing. */
export function whatIsWrong(text) {
  const size = new TextEncoder().encode(text).length;
  if (size <= longest) return "";
  return `This is too long by ${size - longest} bytes.`;
}
