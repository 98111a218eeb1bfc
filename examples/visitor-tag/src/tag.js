import { createCollector } from './collect.js';
import { createGuard } from './guard.js';
import { readOptions } from './options.js';
import { createPrivacy } from './privacy.js';
import { noteView, personalise, readInterests, segmentsOf } from './segments.js';
import { createStore, emptyRecord } from './storage.js';
import { createTransport } from './transport.js';

const PAYLOAD_VERSION = 1;

/**
 * Wires the tag to one window. Without a document, as on a server, it stays inert.
 *
 * @param {Window} [win]
 * @param {{ now?: () => number, random?: () => number }} [deps]
 */
export function createVisitorTag(win = {}, { now = Date.now, random = Math.random } = {}) {
  const doc = win.document;
  const store = createStore(win);
  const privacy = createPrivacy(win, store);
  let onError = (error) => win.console?.error(`visitor-tag: ${error.message}`);
  const guard = createGuard((error) => onError(error));
  let transport = null;
  let collector = null;
  let ready = false;

  /** @returns {string[]} every segment the visitor is in, the most telling one first */
  const segments = () => segmentsOf(privacy.allowed() ? store.read() : emptyRecord());

  /** @returns {string} "new", "returning" or "interested:<topic>" */
  const segment = () => segments()[0];

  /** Counts a page view and personalises; for pages that replace their content themselves. */
  function page() {
    if (!ready) return;
    privacy.enforceSignal();
    if (privacy.allowed()) {
      const day = new Date(now()).toISOString().slice(0, 10);
      store.write(noteView(store.read(), day, readInterests(doc)));
    }
    // Before sending: the page's appearance must not depend on the network code.
    personalise(doc, segments());
    collector.view();
  }

  /**
   * Starts collecting and personalising, once; further calls change nothing.
   *
   * @param {{ endpoint?: string, site?: string, onError?: (error: Error) => void }} [options]
   * @returns {boolean} whether the tag is running; false when the options were refused
   */
  function start(options) {
    if (collector || !doc) return Boolean(collector);
    if (typeof options?.onError === 'function') onError = options.onError;
    const { endpoint, site } = readOptions(options, win.location.hostname);
    const envelope = () => ({ v: PAYLOAD_VERSION, site, segment: segment() });
    transport = createTransport({ win, endpoint, allowed: privacy.allowed, envelope, random });
    collector = createCollector({ win, now, send: transport.send, leave: transport.drain });
    const begin = guard(() => {
      ready = true;
      collector.listen(guard);
      // A page restored from the back/forward cache is seen anew but not loaded anew.
      win.addEventListener('pageshow', guard((event) => event.persisted && page()));
      page();
    });
    if (doc.readyState === 'loading') doc.addEventListener('DOMContentLoaded', begin);
    else begin();
    return true;
  }

  /**
   * Reports a use of the page that is not a click on a marked element.
   *
   * @param {string} name
   */
  function track(name) {
    if (ready) collector.click(name);
  }

  /** Stops collecting for good and erases what was kept about the visitor. */
  function optOut() {
    privacy.optOut();
    transport?.clear();
    if (ready) personalise(doc, segments());
  }

  /** Takes back `optOut()`. The browser's own signals still win. */
  function optIn() {
    if (privacy.optIn()) page();
  }

  return {
    start: guard(start, false),
    page: guard(page),
    track: guard(track),
    segment: guard(segment, 'new'),
    segments: guard(segments, ['new']),
    optOut: guard(optOut),
    optIn: guard(optIn),
  };
}
