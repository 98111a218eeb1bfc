import { emptyRecord } from './storage.js';

/**
 * @param {Window} win
 * @returns {boolean} whether the browser asks sites not to track (GPC or DNT)
 */
export function signalsOptOut(win) {
  const nav = win.navigator || {};
  if (nav.globalPrivacyControl === true) return true;
  // Browsers have disagreed on where the DNT setting lives and how it is spelt.
  return [nav.doNotTrack, win.doNotTrack, nav.msDoNotTrack].some(
    (value) => value === '1' || value === 'yes',
  );
}

/**
 * Decides whether anything may be collected or kept.
 *
 * @param {Window} win
 * @param {ReturnType<typeof import('./storage.js').createStore>} store
 */
export function createPrivacy(win, store) {
  function allowed() {
    return !signalsOptOut(win) && !store.read().optedOut;
  }

  /** Erases what was kept and remembers only the choice itself. */
  function optOut() {
    // Removing first frees room, so that the choice can be written to a full storage.
    store.clear();
    store.write({ ...emptyRecord(), optedOut: true });
  }

  /** @returns {boolean} whether there was a choice to take back */
  function optIn() {
    const { optedOut } = store.read();
    if (optedOut) store.clear();
    return optedOut;
  }

  /** Erases data from before the browser's signal was switched on. */
  function enforceSignal() {
    if (signalsOptOut(win) && !store.read().optedOut) store.clear();
  }

  return { allowed, optOut, optIn, enforceSignal };
}
