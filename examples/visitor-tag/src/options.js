export const DEFAULT_ENDPOINT = 'https://collect.example.com/v1/events';

// An allow-list, so that credentials, relative addresses and odd spellings are refused too.
const HTTPS_URL = /^https:\/\/[a-z0-9.-]+(?::\d{1,5})?(?:\/[^\s\\#]*)?$/i;
const MAX_SITE_LENGTH = 64;

/**
 * @param {unknown} endpoint
 * @returns {string} the endpoint, unchanged
 * @throws {TypeError} when it is not a plain absolute https: address
 */
export function checkEndpoint(endpoint) {
  if (typeof endpoint !== 'string' || !HTTPS_URL.test(endpoint)) {
    throw new TypeError(`the endpoint must be an absolute https:// address, got "${endpoint}"`);
  }
  return endpoint;
}

/**
 * Fills in the defaults of what was passed to `start()`.
 *
 * @param {{ endpoint?: string, site?: string }} [options]
 * @param {string} [hostname] stands in for a missing site name
 * @returns {{ endpoint: string, site: string }}
 * @throws {TypeError} when the endpoint is refused
 */
export function readOptions(options = {}, hostname = '') {
  const endpoint = checkEndpoint(options.endpoint ?? DEFAULT_ENDPOINT);
  const site = String(options.site || hostname).slice(0, MAX_SITE_LENGTH);
  return { endpoint, site };
}

/**
 * Reads `data-endpoint` and `data-site` from the tag's own script element.
 *
 * @param {HTMLScriptElement | null | undefined} script
 * @returns {{ endpoint?: string, site?: string } | null} null when neither is present
 */
export function optionsFromScript(script) {
  // `<img name="currentScript">` can shadow document.currentScript: trust script elements only.
  if (!script || String(script.tagName).toUpperCase() !== 'SCRIPT') return null;
  const { endpoint, site } = script.dataset || {};
  if (endpoint === undefined && site === undefined) return null;
  return { endpoint, site };
}
