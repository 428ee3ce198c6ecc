/** Pages of this server as documents. */
import { Problem } from '../net/api.js';

const TIMEOUT = 20_000;

/**
 * Loads a page, or sends a form if there is a `body`. Trusted Types permit no
 * parser of text, but a request may answer with a document.
 * @param {string} url
 * @param {URLSearchParams | null} [body]
 * @returns {Promise<{ page: Document, url: string, status: number }>} the URL
 *   is the one after redirects
 */
export function loadPage(url, body = null) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(body ? 'POST' : 'GET', url);
    request.setRequestHeader('accept', 'text/html');
    request.responseType = 'document';
    request.timeout = TIMEOUT;
    const fail = () => reject(new Problem());
    request.addEventListener('error', fail);
    request.addEventListener('timeout', fail);
    request.addEventListener('load', () => {
      const { response: page, responseURL, status } = request;
      if (page) resolve({ page, url: responseURL, status });
      else reject(new Problem({ status, code: 'unavailable', detail: 'The server can’t be reached.' }));
    });
    request.send(body);
  });
}
