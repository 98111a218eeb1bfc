import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkEndpoint, DEFAULT_ENDPOINT, optionsFromScript, readOptions } from '../src/options.js';

test('the default endpoint is HTTPS and the site defaults to the host name', () => {
  assert.deepEqual(readOptions(undefined, 'shop.example'), {
    endpoint: 'https://collect.example.com/v1/events',
    site: 'shop.example',
  });
  assert.equal(checkEndpoint(DEFAULT_ENDPOINT), DEFAULT_ENDPOINT);
});

test('an own HTTPS endpoint is accepted', () => {
  for (const endpoint of ['https://a.example', 'https://a.example:8443/x?y=1', 'HTTPS://A.example/']) {
    assert.equal(readOptions({ endpoint }).endpoint, endpoint);
  }
});

const REFUSED = [
  'http://collect.example.com/v1/events',
  '//collect.example.com/v1/events',
  '/v1/events',
  'ws://collect.example.com',
  'javascript:alert(1)',
  'https:collect.example.com',
  'https://user:secret@collect.example.com/',
  'https://collect.example.com\\@other.example/',
  ' https://collect.example.com/',
  'https://collect.example.com/a\nb',
  'https://',
  '',
  42,
];
for (const endpoint of REFUSED) {
  test(`the endpoint ${JSON.stringify(endpoint)} is refused`, () => {
    assert.throws(() => readOptions({ endpoint }), /must be an absolute https/);
  });
}

test('the site name is text of bounded length', () => {
  assert.equal(readOptions({ site: 12 }).site, '12');
  assert.equal(readOptions({ site: 'x'.repeat(500) }).site.length, 64);
});

test('options are read from the script element', () => {
  const script = { tagName: 'SCRIPT', dataset: { site: 'shop', endpoint: 'https://e.example/' } };
  assert.deepEqual(optionsFromScript(script), { site: 'shop', endpoint: 'https://e.example/' });
});

test('no script element, or one without our attributes, gives no options', () => {
  assert.equal(optionsFromScript(null), null);
  assert.equal(optionsFromScript({ tagName: 'SCRIPT', dataset: {} }), null);
  assert.equal(optionsFromScript({ tagName: 'SCRIPT' }), null);
});

test('an element that merely shadows document.currentScript is not trusted', () => {
  assert.equal(optionsFromScript({ tagName: 'IMG', dataset: { site: 'evil' } }), null);
});
