/** A localStorage; `fail` names the methods that throw. */
export function fakeStorage(entries = {}, fail = []) {
  const map = new Map(Object.entries(entries));
  const method = (name, fn) => (...args) => {
    if (fail.includes(name)) throw new Error(`${name} is blocked`);
    return fn(...args);
  };
  return {
    getItem: method('getItem', (key) => map.get(key) ?? null),
    setItem: method('setItem', (key, value) => void map.set(key, String(value))),
    removeItem: method('removeItem', (key) => void map.delete(key)),
    keys: () => [...map.keys()],
  };
}

/** An element that knows its attributes and its parent. */
export function fakeElement(attributes = {}, parent = null) {
  return {
    hidden: false,
    getAttribute: (name) => attributes[name] ?? null,
    closest(selector) {
      const name = selector.slice(1, -1);
      return name in attributes ? this : parent?.closest(selector) ?? null;
    },
  };
}

function fakeTarget() {
  const listeners = new Map();
  return {
    addEventListener(type, listener) {
      listeners.set(type, [...(listeners.get(type) || []), listener]);
    },
    fire(type, event = {}) {
      for (const listener of listeners.get(type) || []) listener(event);
    },
  };
}

export function fakeDocument(elements = [], readyState = 'complete') {
  return {
    ...fakeTarget(),
    readyState,
    visibilityState: 'visible',
    querySelectorAll: (selector) =>
      elements.filter((element) => element.getAttribute(selector.slice(1, -1)) !== null),
  };
}

/**
 * A window with a hand-driven clock, which records what is sent. `answers` are
 * the fetch results in turn: a status, or an Error; after the last, 204.
 */
export function fakeWindow({ elements, readyState, storage, navigator, answers = [] } = {}) {
  const win = {
    ...fakeTarget(),
    document: fakeDocument(elements, readyState),
    location: { hostname: 'shop.example', pathname: '/boots', search: '?mail=a@b.example' },
    localStorage: storage ?? fakeStorage(),
    time: Date.UTC(2024, 4, 1, 12),
    timers: [],
    fetched: [],
    beacons: [],
    errors: [],
    console: { error: (message) => win.errors.push(message) },
    navigator: {
      sendBeacon(url, body) {
        win.beacons.push({ url, ...JSON.parse(body) });
        return true;
      },
      ...navigator,
    },
    async fetch(url, init) {
      win.fetched.push({ url, init, ...JSON.parse(init.body) });
      const answer = answers.length > 0 ? answers.shift() : 204;
      if (answer instanceof Error) throw answer;
      return { status: answer };
    },
    setTimeout(fn, delay) {
      win.timers.push({ id: {}, fn, delay });
      return win.timers[win.timers.length - 1].id;
    },
    clearTimeout(id) {
      win.timers = win.timers.filter((timer) => timer.id !== id);
    },
    now: () => win.time,
    /** Fires the timers that are pending, and lets their promises settle. */
    async runTimers() {
      for (const timer of win.timers.splice(0)) timer.fn();
      await settled();
    },
  };
  return win;
}

/** Resolves when the promise callbacks under way have run. */
export function settled() {
  return new Promise((resolve) => setImmediate(resolve));
}
