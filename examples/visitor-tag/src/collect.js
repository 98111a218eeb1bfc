const MAX_NAME_LENGTH = 64;
const MAX_PATH_LENGTH = 256;

/**
 * Turns what happens on the page into events.
 *
 * @param {object} deps
 * @param {Window} deps.win
 * @param {() => number} deps.now milliseconds
 * @param {(event: object) => void} deps.send
 * @param {() => void} deps.leave called when the page may be about to go away
 */
export function createCollector({ win, now, send, leave }) {
  const doc = win.document;
  const startedAt = now();
  let path = '';
  let visibleSince = null;
  let unreportedMs = 0;

  function emit(type, fields) {
    // Times are relative: the clock of a visitor's device can help to recognise it.
    const at = Math.max(0, Math.round((now() - startedAt) / 1000));
    send({ type, path, at, ...fields });
  }

  function reportTime() {
    if (visibleSince !== null) {
      unreportedMs += Math.max(0, now() - visibleSince);
      visibleSince = now();
    }
    const seconds = Math.floor(unreportedMs / 1000);
    if (seconds === 0) return;
    unreportedMs -= seconds * 1000;
    emit('time', { seconds });
  }

  /** Starts a page view, and ends the one before it. */
  function view() {
    if (path) reportTime();
    // Never the query or the fragment: both often carry personal data.
    path = String(win.location.pathname).slice(0, MAX_PATH_LENGTH);
    unreportedMs = 0;
    visibleSince = doc.visibilityState === 'hidden' ? null : now();
    emit('view');
  }

  /** @param {string | null} name */
  function click(name) {
    const label = String(name ?? '').trim().slice(0, MAX_NAME_LENGTH);
    if (label) emit('click', { name: label });
  }

  function onClick(event) {
    const element = event.target?.closest?.('[data-visitor-track]');
    if (element) click(element.getAttribute('data-visitor-track'));
  }

  function onLeave() {
    reportTime();
    visibleSince = null;
    leave();
  }

  // Mobile browsers may discard a hidden page without ever firing pagehide.
  function onVisibility() {
    if (doc.visibilityState === 'hidden') onLeave();
    else visibleSince = now();
  }

  /** @param {<F extends Function>(fn: F) => F} guard */
  function listen(guard) {
    // Capturing sees clicks whose propagation the page stops.
    doc.addEventListener('click', guard(onClick), { capture: true, passive: true });
    doc.addEventListener('visibilitychange', guard(onVisibility));
    win.addEventListener('pagehide', guard(onLeave));
  }

  return { listen, view, click };
}
