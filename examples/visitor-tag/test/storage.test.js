import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createStore, emptyRecord, parseRecord, STORAGE_KEY } from '../src/storage.js';
import { fakeStorage } from '../testing/fakes.js';

const RECORD = {
  v: 1,
  visits: 3,
  firstDay: '2024-04-01',
  lastDay: '2024-05-01',
  interests: ['boots'],
  optedOut: false,
};

test('a record survives being written and read, under one key', () => {
  const localStorage = fakeStorage();
  createStore({ localStorage }).write(RECORD);
  assert.deepEqual(createStore({ localStorage }).read(), RECORD);
  assert.deepEqual(localStorage.keys(), [STORAGE_KEY]);
});

test('nothing stored reads as an empty record', () => {
  assert.deepEqual(createStore({ localStorage: fakeStorage() }).read(), emptyRecord());
});

for (const text of ['{"v":1,', 'null', '[]', '7', '"text"', '', 'undefined']) {
  test(`broken stored text ${JSON.stringify(text)} reads as an empty record`, () => {
    assert.deepEqual(parseRecord(text), emptyRecord());
  });
}

test('fields of the wrong kind are dropped one by one', () => {
  const text = JSON.stringify({
    v: 1,
    visits: -2,
    firstDay: 'yesterday',
    lastDay: '2024-05-01',
    interests: ['boots', 7, null, '', 'hats'],
    optedOut: 'no',
    extra: true,
  });
  assert.deepEqual(parseRecord(text), {
    ...emptyRecord(),
    lastDay: '2024-05-01',
    interests: ['boots', 'hats'],
  });
});

test('another schema version starts afresh but keeps the opt-out', () => {
  assert.deepEqual(parseRecord(JSON.stringify({ ...RECORD, v: 2 })), emptyRecord());
  const optedOut = parseRecord(JSON.stringify({ ...RECORD, v: 2, optedOut: true }));
  assert.deepEqual(optedOut, { ...emptyRecord(), optedOut: true });
});

test('with a full storage the record is kept in memory', () => {
  const store = createStore({ localStorage: fakeStorage({}, ['setItem']) });
  store.write(RECORD);
  assert.deepEqual(store.read(), RECORD);
});

test('with storage blocked altogether the record is kept in memory', () => {
  const store = createStore({
    get localStorage() {
      throw new Error('SecurityError');
    },
  });
  assert.deepEqual(store.read(), emptyRecord());
  store.write(RECORD);
  assert.deepEqual(store.read(), RECORD);
  store.clear();
  assert.deepEqual(store.read(), emptyRecord());
});

test('a window without localStorage is no error', () => {
  const store = createStore({ localStorage: null });
  store.write(RECORD);
  assert.deepEqual(store.read(), RECORD);
});

test('what another tab wrote is seen at the next read', () => {
  const localStorage = fakeStorage();
  const [one, other] = [createStore({ localStorage }), createStore({ localStorage })];
  one.write(RECORD);
  other.write({ ...RECORD, optedOut: true });
  assert.equal(one.read().optedOut, true);
});
