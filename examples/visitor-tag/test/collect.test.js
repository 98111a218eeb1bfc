import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCollector } from '../src/collect.js';
import { fakeElement, fakeWindow } from '../testing/fakes.js';

function setUp() {
  const win = fakeWindow();
  const events = [];
  let left = 0;
  const collector = createCollector({
    win,
    now: win.now,
    send: (event) => events.push(event),
    leave: () => (left += 1),
  });
  collector.listen((fn) => fn);
  collector.view();
  const hide = (state) => {
    win.document.visibilityState = state;
    win.document.fire('visibilitychange');
  };
  return { win, events, collector, hide, timesLeft: () => left };
}

const seconds = (events) => events.filter((e) => e.type === 'time').map((e) => e.seconds);

test('a page view has the path, but neither query nor fragment', () => {
  const { events } = setUp();
  assert.deepEqual(events, [{ type: 'view', path: '/boots', at: 0 }]);
});

test('a click inside a marked element is reported by its name', () => {
  const { win, events } = setUp();
  const button = fakeElement({ 'data-visitor-track': ' buy ' });
  win.time += 2400;
  win.document.fire('click', { target: fakeElement({}, button) });
  assert.deepEqual(events[1], { type: 'click', path: '/boots', at: 2, name: 'buy' });
});

test('other clicks are not reported', () => {
  const { win, events } = setUp();
  for (const target of [fakeElement(), fakeElement({ 'data-visitor-track': ' ' }), {}, null]) {
    win.document.fire('click', { target });
  }
  assert.equal(events.length, 1);
});

test('names are cut to a bounded length', () => {
  const { events, collector } = setUp();
  collector.click('x'.repeat(500));
  assert.equal(events[1].name.length, 64);
});

test('leaving the page reports the time on it', () => {
  const { win, events, timesLeft } = setUp();
  win.time += 12_700;
  win.fire('pagehide');
  assert.deepEqual(seconds(events), [12]);
  assert.equal(timesLeft(), 1);
});

test('time while the page is hidden does not count', () => {
  const { win, events, hide } = setUp();
  win.time += 3000;
  hide('hidden');
  win.time += 60_000;
  hide('visible');
  win.time += 4000;
  win.fire('pagehide');
  assert.deepEqual(seconds(events), [3, 4]);
});

test('hiding and then leaving reports the same time only once', () => {
  const { win, events, hide, timesLeft } = setUp();
  win.time += 3000;
  hide('hidden');
  win.fire('pagehide');
  assert.deepEqual(seconds(events), [3]);
  assert.equal(timesLeft(), 2);
});

test('fractions of a second add up', () => {
  const { win, events, hide } = setUp();
  for (let i = 0; i < 4; i += 1) {
    win.time += 600;
    hide('hidden');
    hide('visible');
  }
  assert.deepEqual(seconds(events), [1, 1]);
});

test('a second view closes the time of the first, under its path', () => {
  const { win, events, collector } = setUp();
  win.time += 5000;
  win.location.pathname = '/hats';
  collector.view();
  assert.deepEqual(events.slice(1), [
    { type: 'time', path: '/boots', at: 5, seconds: 5 },
    { type: 'view', path: '/hats', at: 5 },
  ]);
});

test('a clock set back gives no negative times', () => {
  const { win, events } = setUp();
  win.time -= 60_000;
  win.document.fire('click', { target: fakeElement({ 'data-visitor-track': 'buy' }) });
  win.fire('pagehide');
  assert.equal(events[1].at, 0);
  assert.deepEqual(seconds(events), []);
});
