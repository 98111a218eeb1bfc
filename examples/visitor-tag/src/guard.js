/**
 * Makes a wrapper that keeps errors out of the host page: a wrapped function
 * that throws reports the error and returns the fallback instead.
 *
 * @param {(error: Error) => void} report
 * @returns {<F extends Function>(fn: F, fallback?: unknown) => F}
 */
export function createGuard(report) {
  return (fn, fallback) => (...args) => {
    try {
      return fn(...args);
    } catch (error) {
      try {
        report(error);
      } catch {
        // The reporter belongs to the host page; its failure must not become a second one.
      }
      return fallback;
    }
  };
}
