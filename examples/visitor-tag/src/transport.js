// A full queue stays well below the 64 KiB that browsers allow for keepalive requests.
export const QUEUE_LIMIT = 100;
export const BATCH_SIZE = 20;
export const FLUSH_DELAY = 5000;
export const RETRY_BASE = 2000;
export const RETRY_MAX = 60000;
export const MAX_ATTEMPTS = 5;

/**
 * Queues events and sends them in batches.
 *
 * @param {object} deps
 * @param {Window} deps.win
 * @param {string} deps.endpoint an address accepted by `checkEndpoint`
 * @param {() => boolean} deps.allowed asked before anything is queued or sent
 * @param {() => object} deps.envelope the fields sent once per batch
 * @param {() => number} deps.random
 */
export function createTransport({ win, endpoint, allowed, envelope, random }) {
  let queue = [];
  let timer = null;
  let sending = false;
  let backingOff = false;
  let failures = 0;
  let generation = 0;

  const toBody = (events) => JSON.stringify({ ...envelope(), events });

  function send(event) {
    if (!allowed()) return clear();
    queue = [...queue, event].slice(-QUEUE_LIMIT);
    if (queue.length >= BATCH_SIZE && !backingOff) flush();
    else schedule(FLUSH_DELAY);
  }

  /** Sends one batch with fetch. Never rejects. */
  async function flush() {
    if (sending || queue.length === 0) return;
    if (!allowed()) return clear();
    const batch = queue.splice(0, BATCH_SIZE);
    const current = generation;
    sending = true;
    const retry = await post(batch);
    sending = false;
    if (current === generation) settle(batch, retry);
    if (queue.length > 0) schedule(FLUSH_DELAY);
  }

  /** Hands everything to the browser at once, for a page that is going away. */
  function drain() {
    if (!allowed()) return clear();
    while (queue.length > 0 && beacon(queue.slice(0, BATCH_SIZE))) queue.splice(0, BATCH_SIZE);
    flush();
  }

  /** Drops what is queued, including a batch under way that would be retried. */
  function clear() {
    queue = [];
    generation += 1;
  }

  async function post(batch) {
    try {
      // A string body goes out as text/plain, which needs no CORS preflight.
      const response = await win.fetch(endpoint, {
        method: 'POST',
        body: toBody(batch),
        keepalive: true,
        credentials: 'omit',
        referrerPolicy: 'no-referrer',
        // A redirect could lead away from HTTPS.
        redirect: 'error',
      });
      // Other 4xx answers would be the same next time.
      return response.status >= 500 || response.status === 429 || response.status === 408;
    } catch {
      return true;
    }
  }

  function beacon(batch) {
    try {
      return win.navigator.sendBeacon(endpoint, toBody(batch)) === true;
    } catch {
      return false;
    }
  }

  function settle(batch, retry) {
    failures = retry ? failures + 1 : 0;
    if (!retry) return;
    const delay = Math.min(RETRY_MAX, RETRY_BASE * 2 ** (failures - 1));
    if (failures < MAX_ATTEMPTS) queue = [...batch, ...queue].slice(-QUEUE_LIMIT);
    else failures = 0;
    backingOff = true;
    win.clearTimeout(timer);
    timer = null;
    // Jitter keeps visitors from returning all at once after an outage.
    schedule(delay * (0.5 + random() / 2));
  }

  function schedule(delay) {
    if (timer !== null) return;
    timer = win.setTimeout(() => {
      timer = null;
      backingOff = false;
      flush();
    }, delay);
  }

  return { send, flush, drain, clear };
}
