export const STORAGE_KEY = 'visitor-tag';
export const SCHEMA_VERSION = 1;
export const MAX_INTERESTS = 10;

const DAY = /^\d{4}-\d{2}-\d{2}$/;

/**
 * @typedef {object} VisitorRecord
 * @property {number} v schema version
 * @property {number} visits days on which the visitor was seen
 * @property {string | null} firstDay YYYY-MM-DD
 * @property {string | null} lastDay YYYY-MM-DD
 * @property {string[]} interests latest topics, oldest first
 * @property {boolean} optedOut
 */

/** @returns {VisitorRecord} */
export function emptyRecord() {
  const v = SCHEMA_VERSION;
  return { v, visits: 0, firstDay: null, lastDay: null, interests: [], optedOut: false };
}

/**
 * Turns stored text into a record. Every field is checked on its own, because
 * other scripts, older releases and the visitor can all write to localStorage.
 *
 * @param {string | null} text
 * @returns {VisitorRecord}
 */
export function parseRecord(text) {
  const record = emptyRecord();
  let stored;
  try {
    stored = JSON.parse(text);
  } catch {
    return record;
  }
  if (typeof stored !== 'object' || stored === null) return record;
  // A choice to opt out outlives any change of schema, in either direction.
  record.optedOut = stored.optedOut === true;
  if (stored.v !== SCHEMA_VERSION) return record;
  if (Number.isSafeInteger(stored.visits) && stored.visits > 0) record.visits = stored.visits;
  if (DAY.test(stored.firstDay)) record.firstDay = stored.firstDay;
  if (DAY.test(stored.lastDay)) record.lastDay = stored.lastDay;
  if (Array.isArray(stored.interests)) {
    const topics = stored.interests.filter((topic) => topic && typeof topic === 'string');
    record.interests = topics.slice(-MAX_INTERESTS);
  }
  return record;
}

/**
 * Keeps the record under one key, or in memory while the browser refuses to.
 *
 * @param {{ localStorage?: Storage }} win
 */
export function createStore(win) {
  let memory = null;

  /** Reads afresh each time, as another tab may have written. */
  function read() {
    if (memory) return memory;
    try {
      // With storage blocked, even the property access can throw.
      return parseRecord(win.localStorage.getItem(STORAGE_KEY));
    } catch {
      return emptyRecord();
    }
  }

  /** @param {VisitorRecord} record */
  function write(record) {
    try {
      win.localStorage.setItem(STORAGE_KEY, JSON.stringify(record));
      memory = null;
    } catch {
      memory = record;
    }
  }

  /** Forgets everything, in the browser and in memory. */
  function clear() {
    memory = null;
    try {
      win.localStorage.removeItem(STORAGE_KEY);
    } catch {
      // Blocked storage holds nothing of ours to remove.
    }
  }

  return { read, write, clear };
}
