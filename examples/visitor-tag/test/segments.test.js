import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noteView, personalise, readInterests, segmentsOf, toTopic } from '../src/segments.js';
import { emptyRecord, MAX_INTERESTS } from '../src/storage.js';
import { fakeDocument, fakeElement } from '../testing/fakes.js';

test('visits are counted once a day', () => {
  let record = noteView(emptyRecord(), '2024-05-01', []);
  record = noteView(record, '2024-05-01', []);
  assert.equal(record.visits, 1);
  record = noteView(record, '2024-05-03', []);
  assert.equal(record.visits, 2);
  assert.equal(record.firstDay, '2024-05-01');
  assert.equal(record.lastDay, '2024-05-03');
});

test('only the last interests are kept', () => {
  const topics = Array.from({ length: MAX_INTERESTS + 3 }, (_, i) => `topic-${i}`);
  const { interests } = noteView(emptyRecord(), '2024-05-01', topics);
  assert.deepEqual(interests, topics.slice(3));
});

test('a first visit is new, one on another day returning', () => {
  assert.deepEqual(segmentsOf({ ...emptyRecord(), visits: 1 }), ['new']);
  assert.deepEqual(segmentsOf({ ...emptyRecord(), visits: 2 }), ['returning']);
});

test('a topic met twice is an interest, and comes first', () => {
  const record = { ...emptyRecord(), visits: 2, interests: ['boots', 'hats'] };
  assert.deepEqual(segmentsOf(record), ['returning']);
  record.interests.push('boots');
  assert.deepEqual(segmentsOf(record), ['interested:boots', 'returning']);
});

test('of two equally frequent topics the more recent one wins', () => {
  const interests = ['hats', 'hats', 'boots', 'boots'];
  assert.equal(segmentsOf({ ...emptyRecord(), interests })[0], 'interested:boots');
});

test('topics are made uniform', () => {
  assert.equal(toTopic('  Winter Boots! '), 'winter-boots');
  assert.equal(toTopic('Käse & Brot'), 'käse-brot');
  assert.equal(toTopic(null), '');
  assert.equal(toTopic('--'), '');
  assert.equal(toTopic('x'.repeat(99)).length, 32);
});

test('a page names each of its topics once', () => {
  const doc = fakeDocument(
    ['Boots', 'boots ', '', 'hats'].map((topic) =>
      fakeElement({ 'data-visitor-interest': topic }),
    ),
  );
  assert.deepEqual(readInterests(doc), ['boots', 'hats']);
});

test('personalising shows what matches any segment and hides the rest', () => {
  const elements = ['new', 'returning', 'New interested:boots', 'interested:hats'].map((show) =>
    fakeElement({ 'data-visitor-show': show }),
  );
  const plain = fakeElement();
  elements[1].hidden = true;
  personalise(fakeDocument([...elements, plain]), ['interested:boots', 'returning']);
  assert.deepEqual(elements.map((element) => element.hidden), [true, false, false, true]);
  assert.equal(plain.hidden, false);
});
