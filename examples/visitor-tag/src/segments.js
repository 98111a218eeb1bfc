import { MAX_INTERESTS } from './storage.js';

const MIN_MENTIONS = 2;
const MAX_TOPIC_LENGTH = 32;

/**
 * @param {string | null} text
 * @returns {string} the text as a lower-case topic such as "winter-boots"; may be empty
 */
export function toTopic(text) {
  return String(text ?? '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .slice(0, MAX_TOPIC_LENGTH)
    .replace(/^-|-$/g, '');
}

/**
 * @param {Document} doc
 * @returns {string[]} the distinct topics that the page is marked with
 */
export function readInterests(doc) {
  const topics = Array.from(doc.querySelectorAll('[data-visitor-interest]'), (element) =>
    toTopic(element.getAttribute('data-visitor-interest')),
  );
  return [...new Set(topics)].filter(Boolean);
}

/**
 * Counts a page view: at most one visit a day, plus the page's topics.
 *
 * @param {import('./storage.js').VisitorRecord} record
 * @param {string} day YYYY-MM-DD
 * @param {string[]} topics
 * @returns {import('./storage.js').VisitorRecord}
 */
export function noteView(record, day, topics) {
  return {
    ...record,
    visits: record.lastDay === day ? record.visits : record.visits + 1,
    firstDay: record.firstDay ?? day,
    lastDay: day,
    interests: [...record.interests, ...topics].slice(-MAX_INTERESTS),
  };
}

/**
 * @param {import('./storage.js').VisitorRecord} record
 * @returns {string[]} every segment the visitor is in, the most telling one first
 */
export function segmentsOf(record) {
  const base = record.visits > 1 ? 'returning' : 'new';
  const topic = topInterest(record.interests);
  return topic ? [`interested:${topic}`, base] : [base];
}

/**
 * Shows the elements marked for one of the segments and hides the other marked ones.
 *
 * @param {Document} doc
 * @param {string[]} segments
 */
export function personalise(doc, segments) {
  for (const element of doc.querySelectorAll('[data-visitor-show]')) {
    const wanted = element.getAttribute('data-visitor-show').toLowerCase().split(/\s+/);
    element.hidden = !wanted.some((segment) => segments.includes(segment));
  }
}

function topInterest(interests) {
  const counts = new Map();
  // Newest first, so that the more recent of two equally frequent topics wins.
  for (const topic of [...interests].reverse()) counts.set(topic, (counts.get(topic) || 0) + 1);
  let best = null;
  let most = MIN_MENTIONS - 1;
  for (const [topic, count] of counts) {
    if (count > most) [best, most] = [topic, count];
  }
  return best;
}
