import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { fakeWindow } from '../testing/fakes.js';

// The entry reads the page's globals when it is loaded, so each test loads its own copy.
let copies = 0;
function loadEntry(win) {
  if (win) Object.assign(globalThis, { window: win, document: win.document });
  copies += 1;
  return import(`../src/index.js?copy=${copies}`);
}

afterEach(() => {
  delete globalThis.window;
  delete globalThis.document;
});

function windowWithScript(dataset) {
  const win = fakeWindow();
  win.document.currentScript = { tagName: 'SCRIPT', dataset };
  return win;
}

test('the entry loads without a browser', async () => {
  const entry = await loadEntry();
  assert.equal(entry.start(), false);
  assert.equal(entry.segment(), 'new');
});

test('named exports are the methods of the default export', async () => {
  const { default: tag, ...named } = await loadEntry();
  assert.deepEqual(named, { ...tag });
  assert.deepEqual(Object.keys(named).sort(), [
    'optIn',
    'optOut',
    'page',
    'segment',
    'segments',
    'start',
    'track',
  ]);
});

test('the script tag starts itself from its attributes', async () => {
  const win = windowWithScript({ site: 'shop', endpoint: 'https://events.example/in' });
  await loadEntry(win);
  win.fire('pagehide');
  assert.equal(win.beacons[0].url, 'https://events.example/in');
  assert.equal(win.beacons[0].site, 'shop');
});

test('a script tag with a non-https endpoint does not start', async () => {
  const win = windowWithScript({ endpoint: 'http://events.example/in' });
  await loadEntry(win);
  win.fire('pagehide');
  assert.equal(win.errors.length, 1);
  assert.equal(win.beacons.length, 0);
});

test('without attributes the tag waits for start', async () => {
  const win = windowWithScript({});
  const { start } = await loadEntry(win);
  win.fire('pagehide');
  assert.equal(win.beacons.length, 0);
  start({ site: 'shop' });
  win.fire('pagehide');
  assert.equal(win.beacons.length, 1);
});

test('imported as a module, where there is no current script, it waits for start', async () => {
  const win = fakeWindow();
  win.document.currentScript = null;
  await loadEntry(win);
  win.fire('pagehide');
  assert.equal(win.beacons.length, 0);
});
