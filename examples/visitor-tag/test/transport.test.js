import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  BATCH_SIZE,
  createTransport,
  FLUSH_DELAY,
  MAX_ATTEMPTS,
  QUEUE_LIMIT,
  RETRY_BASE,
  RETRY_MAX,
} from '../src/transport.js';
import { fakeWindow, settled } from '../testing/fakes.js';

const ENDPOINT = 'https://collect.example.com/v1/events';

function setUp(options, allowed = () => true) {
  const win = fakeWindow(options);
  const envelope = () => ({ v: 1, site: 'shop' });
  const transport = createTransport({ win, endpoint: ENDPOINT, allowed, envelope, random: () => 1 });
  const sendMany = (count, from = 0) => {
    for (let i = 0; i < count; i += 1) transport.send({ n: from + i });
  };
  return { win, transport, sendMany };
}

const numbers = (batch) => batch.events.map((event) => event.n);

test('events wait for the delay and leave together', async () => {
  const { win, sendMany } = setUp();
  sendMany(3);
  assert.equal(win.fetched.length, 0);
  assert.deepEqual(win.timers.map((timer) => timer.delay), [FLUSH_DELAY]);
  await win.runTimers();
  assert.equal(win.fetched.length, 1);
  assert.equal(win.fetched[0].site, 'shop');
  assert.deepEqual(numbers(win.fetched[0]), [0, 1, 2]);
});

test('requests outlive the page, carry no credentials and follow no redirect', async () => {
  const { win, transport } = setUp();
  transport.send({ n: 1 });
  await win.runTimers();
  const { url, init } = win.fetched[0];
  assert.equal(url, ENDPOINT);
  assert.equal(init.method, 'POST');
  assert.equal(init.keepalive, true);
  assert.equal(init.credentials, 'omit');
  assert.equal(init.redirect, 'error');
});

test('a full batch leaves at once', async () => {
  const { win, sendMany } = setUp();
  sendMany(BATCH_SIZE + 2);
  assert.equal(win.fetched.length, 1);
  assert.equal(win.fetched[0].events.length, BATCH_SIZE);
  await settled();
  await win.runTimers();
  assert.deepEqual(numbers(win.fetched[1]), [BATCH_SIZE, BATCH_SIZE + 1]);
});

for (const answer of [new Error('offline'), 500, 503, 429, 408]) {
  test(`a batch is sent again after ${answer}`, async () => {
    const { win, transport } = setUp({ answers: [answer] });
    transport.send({ n: 1 });
    await win.runTimers();
    await win.runTimers();
    await win.runTimers();
    assert.deepEqual(win.fetched.map(numbers), [[1], [1]]);
  });
}

for (const status of [200, 204, 400, 403, 413]) {
  test(`a batch is not sent again after ${status}`, async () => {
    const { win, transport } = setUp({ answers: [status] });
    transport.send({ n: 1 });
    await win.runTimers();
    await win.runTimers();
    assert.equal(win.fetched.length, 1);
    assert.equal(win.timers.length, 0);
  });
}

test('retries back off, and end', async () => {
  const { win, transport } = setUp({ answers: Array(MAX_ATTEMPTS).fill(503) });
  transport.send({ n: 1 });
  const delays = [];
  for (let i = 0; i < MAX_ATTEMPTS; i += 1) {
    await win.runTimers();
    delays.push(win.timers[0].delay);
  }
  assert.deepEqual(delays, [2000, 4000, 8000, 16000, 32000]);
  assert.equal(delays[0], RETRY_BASE);
  assert.ok(Math.max(...delays) <= RETRY_MAX);
  await win.runTimers();
  assert.equal(win.fetched.length, MAX_ATTEMPTS);
});

test('while backing off, a full batch waits as well', async () => {
  const { win, transport, sendMany } = setUp({ answers: [503] });
  transport.send({ n: 0 });
  await win.runTimers();
  sendMany(BATCH_SIZE, 1);
  assert.equal(win.fetched.length, 1);
  assert.equal(win.timers.length, 1);
  await win.runTimers();
  assert.equal(win.fetched.length, 2);
  assert.equal(numbers(win.fetched[1])[0], 0);
});

test('the queue is bounded and drops the oldest events', async () => {
  const { win, transport, sendMany } = setUp({ answers: [503] });
  transport.send({ n: -1 });
  await win.runTimers();
  sendMany(QUEUE_LIMIT + 50);
  transport.drain();
  const sent = win.beacons.flatMap(numbers);
  assert.equal(sent.length, QUEUE_LIMIT);
  assert.equal(sent[0], 50);
});

test('draining hands all batches to sendBeacon', () => {
  const { win, transport, sendMany } = setUp();
  sendMany(BATCH_SIZE - 1);
  transport.drain();
  assert.equal(win.beacons.length, 1);
  assert.equal(win.beacons[0].url, ENDPOINT);
  assert.equal(win.beacons[0].events.length, BATCH_SIZE - 1);
  transport.drain();
  assert.equal(win.beacons.length, 1);
  assert.equal(win.fetched.length, 0);
});

const BEACONS = {
  missing: undefined,
  refusing: () => false,
  throwing: () => {
    throw new Error('blocked');
  },
};
for (const [kind, sendBeacon] of Object.entries(BEACONS)) {
  test(`with sendBeacon ${kind}, draining falls back to fetch`, () => {
    const { win, transport } = setUp({ navigator: { sendBeacon } });
    transport.send({ n: 1 });
    transport.drain();
    assert.deepEqual(win.fetched.map(numbers), [[1]]);
  });
}

test('a browser without fetch is no error', async () => {
  const { win, transport } = setUp();
  win.fetch = undefined;
  transport.send({ n: 1 });
  await assert.doesNotReject(transport.flush());
});

test('clearing drops the queue and a batch that would be retried', async () => {
  const { win, transport } = setUp({ answers: [503] });
  transport.send({ n: 1 });
  const flushed = transport.flush();
  transport.send({ n: 2 });
  transport.clear();
  await flushed;
  await win.runTimers();
  transport.drain();
  assert.equal(win.fetched.length, 1);
  assert.equal(win.beacons.length, 0);
});

test('what is queued is dropped when permission ends', async () => {
  let allowed = true;
  const { win, transport } = setUp({}, () => allowed);
  transport.send({ n: 1 });
  allowed = false;
  await win.runTimers();
  transport.send({ n: 2 });
  transport.drain();
  assert.equal(win.fetched.length + win.beacons.length, 0);
});
