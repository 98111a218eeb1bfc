import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STORAGE_KEY } from '../src/storage.js';
import { createVisitorTag } from '../src/tag.js';
import { fakeElement, fakeStorage, fakeWindow } from '../testing/fakes.js';

const DAY_MS = 24 * 60 * 60 * 1000;

function setUp(options) {
  const win = fakeWindow(options);
  const load = () => createVisitorTag(win, { now: win.now, random: () => 1 });
  return { win, load, tag: load() };
}

const sentTypes = (win) =>
  [...win.fetched, ...win.beacons].flatMap((batch) => batch.events.map((event) => event.type));

test('nothing happens before start', () => {
  const { win, tag } = setUp();
  tag.page();
  tag.track('x');
  win.fire('pagehide');
  assert.equal(win.timers.length, 0);
  assert.deepEqual(win.localStorage.keys(), []);
  assert.equal(tag.segment(), 'new');
});

test('a visit is collected and sent to the default endpoint', async () => {
  const { win, tag } = setUp();
  assert.equal(tag.start({ site: 'shop' }), true);
  tag.track('newsletter');
  await win.runTimers();
  const { url, v, site, segment, events } = win.fetched[0];
  assert.equal(url, 'https://collect.example.com/v1/events');
  assert.deepEqual({ v, site, segment }, { v: 1, site: 'shop', segment: 'new' });
  assert.deepEqual(events, [
    { type: 'view', path: '/boots', at: 0 },
    { type: 'click', path: '/boots', at: 0, name: 'newsletter' },
  ]);
  win.time += 9000;
  win.fire('pagehide');
  assert.deepEqual(win.beacons[0].events, [{ type: 'time', path: '/boots', at: 9, seconds: 9 }]);
});

test('a non-https endpoint is refused with an error that stays out of the page', () => {
  const { win, tag } = setUp();
  assert.equal(tag.start({ endpoint: 'http://collect.example.com/' }), false);
  assert.match(win.errors[0], /^visitor-tag: the endpoint must be an absolute https/);
  tag.track('x');
  assert.equal(win.timers.length, 0);
  assert.deepEqual(win.localStorage.keys(), []);
});

test('after a refused start a correct one works', () => {
  const { tag } = setUp();
  const errors = [];
  assert.equal(tag.start({ endpoint: '/v1', onError: (error) => errors.push(error) }), false);
  assert.ok(errors[0] instanceof TypeError);
  assert.equal(tag.start({}), true);
});

test('starting twice counts once', async () => {
  const { win, tag } = setUp();
  tag.start();
  assert.equal(tag.start(), true);
  await win.runTimers();
  assert.deepEqual(sentTypes(win), ['view']);
});

test('a visitor who comes back on another day is returning', () => {
  const { win, load } = setUp();
  load().start();
  const again = load();
  again.start();
  assert.equal(again.segment(), 'new');
  win.time += DAY_MS;
  const later = load();
  later.start();
  assert.equal(later.segment(), 'returning');
});

test('repeated interest makes a segment, and elements follow it', () => {
  const forReturning = fakeElement({ 'data-visitor-show': 'returning' });
  const forBoots = fakeElement({ 'data-visitor-show': 'interested:boots' });
  const topic = fakeElement({ 'data-visitor-interest': 'Boots' });
  const { tag } = setUp({ elements: [forReturning, forBoots, topic] });
  tag.start();
  assert.deepEqual([forReturning.hidden, forBoots.hidden], [true, true]);
  tag.page();
  assert.equal(tag.segment(), 'interested:boots');
  assert.deepEqual(tag.segments(), ['interested:boots', 'new']);
  assert.deepEqual([forReturning.hidden, forBoots.hidden], [true, false]);
});

test('a document still loading is awaited', () => {
  const banner = fakeElement({ 'data-visitor-show': 'returning' });
  const { win, tag } = setUp({ elements: [banner], readyState: 'loading' });
  assert.equal(tag.start(), true);
  assert.equal(banner.hidden, false);
  win.document.fire('DOMContentLoaded');
  assert.equal(banner.hidden, true);
  assert.equal(win.timers.length, 1);
});

for (const navigator of [{ globalPrivacyControl: true }, { doNotTrack: '1' }]) {
  test(`${Object.keys(navigator)} stops collecting, but not the default view`, async () => {
    const banner = fakeElement({ 'data-visitor-show': 'returning' });
    const stored = JSON.stringify({ v: 1, visits: 5, lastDay: '2024-04-01' });
    const storage = fakeStorage({ [STORAGE_KEY]: stored });
    const { win, tag } = setUp({ navigator, storage, elements: [banner] });
    assert.equal(tag.start(), true);
    tag.track('x');
    win.time += 9000;
    win.fire('pagehide');
    await win.runTimers();
    assert.deepEqual(sentTypes(win), []);
    assert.deepEqual(storage.keys(), []);
    assert.equal(tag.segment(), 'new');
    assert.equal(banner.hidden, true);
  });
}

test('opting out erases, unsends and lasts until opting in', async () => {
  const { win, load, tag } = setUp();
  tag.start();
  tag.optOut();
  tag.track('x');
  await win.runTimers();
  win.time += DAY_MS;
  const later = load();
  later.start();
  assert.deepEqual(sentTypes(win), []);
  assert.equal(JSON.parse(win.localStorage.getItem(STORAGE_KEY)).visits, 0);
  later.optIn();
  await win.runTimers();
  assert.deepEqual(sentTypes(win), ['view']);
});

test('opting out works before start', () => {
  const { win, tag } = setUp();
  tag.optOut();
  tag.start();
  assert.equal(win.timers.length, 0);
});

test('opting in without having opted out counts nothing', () => {
  const { win, tag } = setUp();
  tag.start();
  tag.optIn();
  win.fire('pagehide');
  assert.deepEqual(sentTypes(win), ['view']);
});

test('a page from the back/forward cache is a new view', () => {
  const { win, tag } = setUp();
  tag.start();
  win.fire('pageshow', { persisted: false });
  win.fire('pagehide');
  win.fire('pageshow', { persisted: true });
  win.fire('pagehide');
  assert.deepEqual(sentTypes(win), ['view', 'view']);
});

test('segments work with storage blocked', () => {
  const { win, tag } = setUp({ storage: fakeStorage({}, ['getItem', 'setItem', 'removeItem']) });
  tag.start();
  win.time += DAY_MS;
  tag.page();
  assert.equal(tag.segment(), 'returning');
});

test('a failing page or error handler never makes the tag throw', () => {
  const { win, tag } = setUp();
  win.document.querySelectorAll = () => {
    throw new Error('broken page');
  };
  const onError = () => {
    throw new Error('broken handler');
  };
  assert.doesNotThrow(() => {
    tag.start({ onError });
    tag.start(null);
    tag.track(Object.create(null));
    win.document.fire('click', null);
    tag.page();
    tag.optOut();
    tag.optIn();
  });
});

test('without a document the tag is inert', () => {
  const tag = createVisitorTag();
  assert.equal(tag.start(), false);
  tag.page();
  tag.optOut();
  assert.equal(tag.segment(), 'new');
});
