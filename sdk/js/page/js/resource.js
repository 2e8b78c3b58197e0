// One WHIP or WHEP resource: POST an offer, PATCH candidates, DELETE.

import {wordsOfAnswer, wordsOfSilence} from './words.js';

/** What a request came to when it did not succeed. */
export class Refusal extends Error {
  constructor(words, status = 0, retryAfterS = 0) {
    super(words.title);
    this.words = words;
    this.status = status;
    this.retryAfterS = retryAfterS;
  }
}

/** Fragment (RFC 8840) of `candidates` of one ICE session. */
export function fragment(localSdp, candidates, complete) {
  const take = name => localSdp.match(new RegExp(`^a=${name}:(.*)$`, 'm'))?.[1].trim() ?? '';
  const lines = [`a=ice-ufrag:${take('ice-ufrag')}`, `a=ice-pwd:${take('ice-pwd')}`];
  const kind = localSdp.match(/^m=(\w+)/m)?.[1] ?? 'audio';
  lines.push(`m=${kind} 9 UDP/TLS/RTP/SAVPF 0`, `a=mid:${take('mid')}`);
  for (const candidate of candidates) lines.push(`a=${candidate}`);
  if (complete) lines.push('a=end-of-candidates');
  return lines.join('\r\n') + '\r\n';
}

export class Resource {
  #token; #url = ''; #etag = ''; #waiting = []; #complete = false; #timer = 0;

  constructor(way, session, token) {
    this.endpoint = new URL(`/${way}/${encodeURIComponent(session)}`, location.href).href;
    this.#token = token;
  }

  get url() { return this.#url; }

  /** Offer what `pc` has and set the answer. Candidates follow by PATCH while they are found. */
  async join(pc) {
    pc.addEventListener('icecandidate', event => this.#found(pc, event.candidate));
    await pc.setLocalDescription(await pc.createOffer());
    const response = await this.#send('POST', this.endpoint, {'Content-Type': 'application/sdp'}, pc.localDescription.sdp);
    this.#url = new URL(response.headers.get('Location'), this.endpoint).href;
    this.#etag = response.headers.get('ETag') ?? '';
    await pc.setRemoteDescription({type: 'answer', sdp: await response.text()});
    this.#schedule(pc);
  }

  /** End it; also when the page goes away. Never throws. */
  async leave() {
    const url = this.#url;
    this.#url = '';
    clearTimeout(this.#timer);
    if (!url) return;
    try {
      await fetch(url, {method: 'DELETE', headers: {Authorization: `Bearer ${this.#token}`}, keepalive: true});
    } catch { /* it ends by itself */ }
  }

  #found(pc, candidate) {
    if (!candidate) this.#complete = true;
    else if (candidate.candidate && !candidate.candidate.includes('.local')) this.#waiting.push(candidate.candidate);
    this.#schedule(pc);
  }

  #schedule(pc) {
    if (!this.#url || this.#timer || !(this.#waiting.length || this.#complete)) return;
    this.#timer = setTimeout(async () => {
      const [candidates, complete] = [this.#waiting.splice(0), this.#complete];
      this.#complete = false;
      const headers = {'Content-Type': 'application/trickle-ice-sdpfrag', 'If-Match': this.#etag};
      try {
        await this.#send('PATCH', this.#url, headers, fragment(pc.localDescription.sdp, candidates, complete));
      } catch { /* checks of the client alone are enough to connect */ }
      this.#timer = 0;
      this.#schedule(pc);
    }, 30);
  }

  async #send(method, url, headers, body) {
    let response;
    try {
      response = await fetch(url, {method, body, headers: {...headers, Authorization: `Bearer ${this.#token}`}});
    } catch {
      throw new Refusal(wordsOfSilence());
    }
    if (response.ok) return response;
    const problem = await response.json().catch(() => ({}));
    throw new Refusal(wordsOfAnswer(response.status, problem), response.status, Number(response.headers.get('Retry-After')) || 0);
  }
}
