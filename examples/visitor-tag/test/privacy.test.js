import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPrivacy, signalsOptOut } from '../src/privacy.js';
import { createStore, emptyRecord, STORAGE_KEY } from '../src/storage.js';
import { fakeStorage } from '../testing/fakes.js';

function setUp(win = {}, storage = fakeStorage()) {
  const host = { localStorage: storage, navigator: {}, ...win };
  const store = createStore(host);
  return { host, store, storage, privacy: createPrivacy(host, store) };
}

test('GPC and every spelling of DNT count as opting out', () => {
  for (const win of [
    { navigator: { globalPrivacyControl: true } },
    { navigator: { doNotTrack: '1' } },
    { navigator: { doNotTrack: 'yes' } },
    { navigator: { msDoNotTrack: '1' } },
    { navigator: {}, doNotTrack: '1' },
  ]) {
    assert.equal(signalsOptOut(win), true, JSON.stringify(win));
  }
});

test('unset or negative signals do not count as opting out', () => {
  for (const win of [
    {},
    { navigator: { globalPrivacyControl: false, doNotTrack: '0' } },
    { navigator: { doNotTrack: null } },
    { navigator: { doNotTrack: 'unspecified' } },
  ]) {
    assert.equal(signalsOptOut(win), false, JSON.stringify(win));
  }
});

test('opting out erases what was kept and lasts', () => {
  const { privacy, store, host } = setUp();
  store.write({ ...emptyRecord(), visits: 4, interests: ['boots'] });
  privacy.optOut();
  assert.deepEqual(store.read(), { ...emptyRecord(), optedOut: true });
  assert.equal(createPrivacy(host, createStore(host)).allowed(), false);
});

test('opting out holds for the page even when storage is blocked', () => {
  const { privacy } = setUp({}, fakeStorage({}, ['getItem', 'setItem', 'removeItem']));
  privacy.optOut();
  assert.equal(privacy.allowed(), false);
});

test('opting in takes the opt-out back, but not the browser signal', () => {
  const { privacy, host } = setUp();
  assert.equal(privacy.optIn(), false);
  privacy.optOut();
  assert.equal(privacy.optIn(), true);
  assert.equal(privacy.allowed(), true);
  host.navigator.globalPrivacyControl = true;
  assert.equal(privacy.allowed(), false);
});

test('a signal switched on later erases older data, but not an opt-out', () => {
  const { privacy, store, storage, host } = setUp();
  store.write({ ...emptyRecord(), visits: 4 });
  privacy.enforceSignal();
  assert.equal(store.read().visits, 4);
  host.navigator.globalPrivacyControl = true;
  privacy.enforceSignal();
  assert.deepEqual(storage.keys(), []);
  privacy.optOut();
  privacy.enforceSignal();
  assert.deepEqual(storage.keys(), [STORAGE_KEY]);
});
